//! Prompts: filling them in, splitting them into units, masking a unit.

mod document;
mod mask;
mod probe;
mod segment;
mod split;
mod template;

pub use document::{Demonstration, Prompt};
pub use mask::{drop_segment, mask_segment, move_segment_to_front, swap_segments, MaskMode, MASK};
pub use probe::{around, HARD, PROBES};
pub use segment::{free_regions, locate_frozen, parse_marked, FreezeError, MarkError, Segment};
pub use split::split_into_segments;
pub(crate) use template::INPUT;
pub use template::{Columns, Conversation, Placeholder, Role, Template, TemplateError, Turn};
