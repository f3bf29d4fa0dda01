//! Sizes and colours of pictures.

use plotters::prelude::*;

/// Colours for a light or a dark page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// Dark on white.
    #[default]
    Light,
    /// Light on near black.
    Dark,
}

/// Size in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChartSize {
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

impl ChartSize {
    /// For a page of text.
    pub const SMALL: Self = Self {
        width: 640,
        height: 400,
    };
    /// For a slide.
    pub const LARGE: Self = Self {
        width: 1600,
        height: 900,
    };
}

/// How a picture is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Size in pixels.
    pub size: ChartSize,
    /// Colours.
    pub theme: Theme,
    /// Ordinals shown; all where none is given.
    pub x: Option<(f64, f64)>,
    /// Losses shown, in nats; all that matter where none is given.
    pub y: Option<(f64, f64)>,
    /// Whether the loss axis is logarithmic.
    pub log: bool,
    /// Whether title, legend and names of the axes are drawn. A page that
    /// shows them as text leaves them out.
    pub dressed: bool,
}

impl View {
    /// A whole picture that stands by itself.
    pub fn whole(size: ChartSize, theme: Theme) -> Self {
        Self {
            size,
            theme,
            x: None,
            y: None,
            log: false,
            dressed: true,
        }
    }

    /// A whole picture in one of two sizes.
    pub fn of_size(large: bool, theme: Theme) -> Self {
        let size = match large {
            true => ChartSize::LARGE,
            false => ChartSize::SMALL,
        };
        Self::whole(size, theme)
    }
}

/// Colours that the colour-blind can tell apart (after Okabe and Ito), for
/// several runs in one picture, on light and dark pages.
pub const PALETTE: [[u8; 3]; 8] = [
    [0, 114, 178],
    [213, 94, 0],
    [0, 158, 115],
    [204, 121, 167],
    [230, 159, 0],
    [86, 180, 233],
    [150, 130, 20],
    [120, 120, 120],
];

pub(crate) fn rgb([red, green, blue]: [u8; 3]) -> RGBColor {
    RGBColor(red, green, blue)
}

/// The colours of one theme.
pub(crate) struct Colours {
    pub(crate) ground: RGBColor,
    pub(crate) ink: RGBColor,
    pub(crate) grid: RGBColor,
    pub(crate) dot: RGBColor,
    pub(crate) accent: RGBColor,
    pub(crate) check: RGBColor,
}

impl Theme {
    pub(crate) fn colours(self) -> Colours {
        match self {
            // Those of the window's pages, whose legends stand beside the picture.
            Self::Light => Colours {
                ground: RGBColor(255, 255, 255),
                ink: RGBColor(91, 93, 97),
                grid: RGBColor(226, 226, 222),
                dot: RGBColor(139, 139, 132),
                accent: RGBColor(43, 90, 158),
                check: RGBColor(168, 72, 12),
            },
            Self::Dark => Colours {
                ground: RGBColor(28, 30, 33),
                ink: RGBColor(169, 173, 179),
                grid: RGBColor(52, 55, 60),
                dot: RGBColor(125, 130, 138),
                accent: RGBColor(138, 180, 240),
                check: RGBColor(242, 160, 106),
            },
        }
    }
}
