//! Reads what a program has copied, as another program does that pastes it (ICCCM,
//! selections).

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

use std::time::{Duration, Instant};

use x11rb::connection::Connection;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt, CreateWindowAux, WindowClass};
use x11rb::protocol::Event;
use x11rb::rust_connection::RustConnection;
use x11rb::{COPY_FROM_PARENT, CURRENT_TIME, NONE};

const PATIENCE: Duration = Duration::from_secs(20);
/// Words of four bytes; more would come in parts, and no prompt is as long.
const MOST: u32 = 1 << 16;

/// The text in the clipboard of a display; none where nothing was copied.
pub fn copied_text(display: &str) -> Option<String> {
    let (connection, screen) = RustConnection::connect(Some(display)).unwrap();
    let root = connection.setup().roots[screen].root;
    let own = connection.generate_id().unwrap();
    let (class, aux) = (WindowClass::INPUT_ONLY, CreateWindowAux::new());
    connection
        .create_window(0, own, root, 0, 0, 1, 1, 0, class, COPY_FROM_PARENT, &aux)
        .unwrap();
    let atom = |name: &str| {
        let cookie = connection.intern_atom(false, name.as_bytes()).unwrap();
        cookie.reply().unwrap().atom
    };
    let (clipboard, text, place) = (atom("CLIPBOARD"), atom("UTF8_STRING"), atom("PMPO_COPIED"));
    connection
        .convert_selection(own, clipboard, text, place, CURRENT_TIME)
        .unwrap();
    connection.flush().unwrap();
    let clock = Instant::now();
    while clock.elapsed() < PATIENCE {
        match connection.poll_for_event().unwrap() {
            Some(Event::SelectionNotify(notice)) if notice.property == NONE => return None,
            Some(Event::SelectionNotify(notice)) => {
                let property = connection
                    .get_property(true, own, notice.property, AtomEnum::ANY, 0, MOST)
                    .unwrap()
                    .reply()
                    .unwrap();
                assert_eq!(property.type_, text, "the text comes in one piece");
                return Some(String::from_utf8(property.value).unwrap());
            }
            Some(_) => {}
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    }
    panic!("whoever owns the clipboard gives no text");
}
