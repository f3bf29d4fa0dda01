//! Drops files on a window as a file manager does (XDND, version 5; the protocol of
//! freedesktop.org).

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

use std::path::Path;
use std::time::{Duration, Instant};

use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ClientMessageEvent, ConnectionExt, CreateWindowAux, EventMask, PropMode,
    SelectionNotifyEvent, Window, WindowClass, SELECTION_NOTIFY_EVENT,
};
use x11rb::protocol::Event;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;
use x11rb::{COPY_DEPTH_FROM_PARENT, CURRENT_TIME};

const VERSION: u32 = 5;
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two messages, as a hand that moves.
const PACE: Duration = Duration::from_millis(150);

struct Source {
    connection: RustConnection,
    root: Window,
    own: Window,
    target: Window,
    uris: String,
}

/// Drops files in the middle of the only window of a display.
pub fn drop_files(display: &str, paths: &[&Path]) {
    let (connection, screen) = RustConnection::connect(Some(display)).unwrap();
    let root = connection.setup().roots[screen].root;
    let own = connection.generate_id().unwrap();
    let (class, aux) = (WindowClass::INPUT_OUTPUT, CreateWindowAux::new());
    connection
        .create_window(
            COPY_DEPTH_FROM_PARENT,
            own,
            root,
            0,
            0,
            1,
            1,
            0,
            class,
            0,
            &aux,
        )
        .unwrap();
    let uris = paths
        .iter()
        .map(|path| format!("file://{}\r\n", path.display()));
    let source = Source {
        root,
        own,
        target: 0,
        uris: uris.collect(),
        connection,
    };
    let target = source.aware(root).expect("a window that takes drops");
    Source { target, ..source }.drag();
}

impl Source {
    fn atom(&self, name: &str) -> Atom {
        let cookie = self.connection.intern_atom(false, name.as_bytes());
        cookie.unwrap().reply().unwrap().atom
    }

    /// The window below `window` that says that it takes drops.
    fn aware(&self, window: Window) -> Option<Window> {
        let aware = self.atom("XdndAware");
        let property = self
            .connection
            .get_property(false, window, aware, AtomEnum::ATOM, 0, 1);
        let says = property
            .unwrap()
            .reply()
            .is_ok_and(|reply| reply.value_len > 0);
        let seen = || {
            let attributes = self.connection.get_window_attributes(window).unwrap();
            let attributes = attributes.reply().unwrap();
            attributes.map_state == x11rb::protocol::xproto::MapState::VIEWABLE
        };
        if says && seen() {
            return Some(window);
        }
        let children = self.connection.query_tree(window).unwrap().reply().ok()?;
        children
            .children
            .into_iter()
            .find_map(|child| self.aware(child))
    }

    fn say(&self, name: &str, data: [u32; 5]) {
        let kind = self.atom(name);
        let message = ClientMessageEvent::new(32, self.target, kind, data);
        self.connection
            .send_event(false, self.target, EventMask::NO_EVENT, message)
            .unwrap();
        self.connection.flush().unwrap();
    }

    fn drag(&self) {
        let selection = self.atom("XdndSelection");
        self.connection
            .set_selection_owner(self.own, selection, CURRENT_TIME)
            .unwrap();
        let list = self.atom("text/uri-list");
        let copy = self.atom("XdndActionCopy");
        let geometry = self.connection.get_geometry(self.target).unwrap();
        let geometry = geometry.reply().unwrap();
        let corner = self
            .connection
            .translate_coordinates(self.target, self.root, 0, 0)
            .unwrap()
            .reply()
            .unwrap();
        let x = u32::from(corner.dst_x as u16) + u32::from(geometry.width) / 2;
        let y = u32::from(corner.dst_y as u16) + u32::from(geometry.height) / 2;
        self.say("XdndEnter", [self.own, VERSION << 24, list, 0, 0]);
        // A page looks at what is over it before it takes a drop.
        for step in 0..4 {
            let place = (x + step) << 16 | y;
            self.say("XdndPosition", [self.own, 0, place, CURRENT_TIME, copy]);
            self.answer_until("XdndStatus");
            std::thread::sleep(PACE);
        }
        self.say("XdndDrop", [self.own, 0, CURRENT_TIME, 0, 0]);
        self.answer_until("XdndFinished");
    }

    /// Gives the paths to whoever asks, until a message of this name comes.
    fn answer_until(&self, name: &str) {
        let wanted = self.atom(name);
        let clock = Instant::now();
        while clock.elapsed() < PATIENCE {
            match self.connection.poll_for_event().unwrap() {
                None => std::thread::sleep(Duration::from_millis(5)),
                Some(Event::ClientMessage(message)) if message.type_ == wanted => return,
                Some(Event::SelectionRequest(request)) => {
                    let data = self.uris.as_bytes();
                    self.connection
                        .change_property8(
                            PropMode::REPLACE,
                            request.requestor,
                            request.property,
                            request.target,
                            data,
                        )
                        .unwrap();
                    let given = SelectionNotifyEvent {
                        response_type: SELECTION_NOTIFY_EVENT,
                        sequence: 0,
                        time: request.time,
                        requestor: request.requestor,
                        selection: request.selection,
                        target: request.target,
                        property: request.property,
                    };
                    self.connection
                        .send_event(false, request.requestor, EventMask::NO_EVENT, given)
                        .unwrap();
                    self.connection.flush().unwrap();
                }
                Some(_) => {}
            }
        }
        panic!("the window did not say {name}");
    }
}
