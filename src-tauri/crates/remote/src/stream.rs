/// Longest line of a stream that is read, in bytes.
const LONGEST_LINE: usize = 4 << 20;

/// An event of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Its data.
    Data(String),
    /// The sign that all was said.
    Done,
}

/// Finds the events in the bytes of a stream (`text/event-stream` as the HTML
/// standard has it, of which servers of language models use `data:` lines alone).
#[derive(Debug, Default)]
pub(crate) struct Events {
    /// A line whose end has not come.
    line: Vec<u8>,
    /// Data of an event whose end has not come.
    data: Option<String>,
}

impl Events {
    /// The events that end in these bytes; in words why they are none.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Result<Vec<Event>, String> {
        let mut found = Vec::new();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if self.line.len() > LONGEST_LINE {
                return Err("a line of it is too long".to_owned());
            }
            if self.line.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                found.extend(self.line_ends(&line)?);
            }
        }
        Ok(found)
    }

    /// The event that the end of the stream ends, if it lacks the empty line.
    pub(crate) fn end(&mut self) -> Result<Option<Event>, String> {
        let line = std::mem::take(&mut self.line);
        let last = self.line_ends(&line)?;
        Ok(last.or_else(|| self.data.take().map(event)))
    }

    fn line_ends(&mut self, line: &[u8]) -> Result<Option<Event>, String> {
        let line = std::str::from_utf8(line).map_err(|_| "it is not text".to_owned())?;
        let line = line.trim_end_matches(['\n', '\r']);
        if line.is_empty() {
            return Ok(self.data.take().map(event));
        }
        // Other fields and comments, which servers send to keep a connection open.
        if let Some(data) = line.strip_prefix("data:") {
            let data = data.strip_prefix(' ').unwrap_or(data);
            match &mut self.data {
                Some(known) => {
                    known.push('\n');
                    known.push_str(data);
                }
                None => self.data = Some(data.to_owned()),
            }
        }
        Ok(None)
    }
}

fn event(data: String) -> Event {
    match data.trim() {
        "[DONE]" => Event::Done,
        _ => Event::Data(data),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_found_wherever_the_bytes_are_cut() {
        let stream = ": ping\r\n\r\nevent: x\ndata: {\"a\":\"é\"}\n\ndata:1\ndata: 2\n\ndata: [DONE]\n\ndata: end";
        let expected = [
            Event::Data("{\"a\":\"é\"}".to_owned()),
            Event::Data("1\n2".to_owned()),
            Event::Done,
            Event::Data("end".to_owned()),
        ];
        for size in 1..stream.len() {
            let mut events = Events::default();
            let mut found = Vec::new();
            for part in stream.as_bytes().chunks(size) {
                found.extend(events.read(part).unwrap());
            }
            found.extend(events.end().unwrap());
            assert_eq!(found, expected, "{size}");
        }
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let mut events = Events::default();
        let part = vec![b'x'; 1 << 20];
        let all: Result<Vec<_>, _> = (0..5).map(|_| events.read(&part)).collect();
        assert!(all.unwrap_err().contains("too long"));
        assert!(Events::default().read(b"\xff\n").is_err());
    }
}
