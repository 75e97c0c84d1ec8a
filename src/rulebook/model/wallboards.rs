//! Announcements and wallboards.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::events::Duration;
use crate::rulebook::values::WrittenDuration;

/// The kinds of announcement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnnouncementKind {
    Tier,
    Badge,
    Level,
    Promotion,
    Contest,
    Recognition,
    Sale,
    Unassigned,
    OwnershipConflict,
}

/// What is broadcast.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Announcements {
    /// What is broadcast; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kinds: Option<Vec<AnnouncementKind>>,
}

/// A screen for the floor.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wallboard {
    /// Its key.
    pub key: String,
    /// The heading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// How it looks.
    #[serde(default)]
    pub brand: Brand,
    /// How long each scene stays.
    #[serde(default = "twenty_seconds")]
    #[schemars(with = "WrittenDuration")]
    pub rotate: Duration,
    /// What it shows, in turn.
    pub scenes: Vec<Scene>,
}

fn twenty_seconds() -> Duration {
    Duration(20_000)
}

/// The wallboard's looks.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Brand {
    /// The colours of the page.
    #[serde(default)]
    pub theme: Theme,
    /// A CSS colour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary: Option<String>,
    /// An image address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo: Option<String>,
}

/// Colours of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    #[default]
    Dark,
    Light,
}

/// One view of a wallboard.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "SceneKeys", tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[schemars(!try_from)]
pub enum Scene {
    /// The podium and the ranking of a board.
    Leaderboard {
        board: String,
    },
    /// A board of teams.
    Team {
        board: String,
    },
    Contest {
        contest: String,
    },
    /// How far a goal has come.
    Thermometer {
        goal: String,
    },
}

/// A scene as it is written. serde would buffer an enum with a tag, and the places of its errors with it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SceneKeys {
    kind: SceneKind,
    #[serde(default)]
    board: Option<String>,
    #[serde(default)]
    contest: Option<String>,
    #[serde(default)]
    goal: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum SceneKind {
    Leaderboard,
    Team,
    Contest,
    Thermometer,
}

impl TryFrom<SceneKeys> for Scene {
    type Error = &'static str;
    fn try_from(keys: SceneKeys) -> Result<Scene, &'static str> {
        match (keys.kind, keys.board, keys.contest, keys.goal) {
            (SceneKind::Leaderboard, Some(board), None, None) => Ok(Scene::Leaderboard { board }),
            (SceneKind::Team, Some(board), None, None) => Ok(Scene::Team { board }),
            (SceneKind::Contest, None, Some(contest), None) => Ok(Scene::Contest { contest }),
            (SceneKind::Thermometer, None, None, Some(goal)) => Ok(Scene::Thermometer { goal }),
            (SceneKind::Leaderboard | SceneKind::Team, ..) => Err("a scene of this kind takes `board`, and nothing else"),
            (SceneKind::Contest, ..) => Err("a scene of this kind takes `contest`, and nothing else"),
            (SceneKind::Thermometer, ..) => Err("a scene of this kind takes `goal`, and nothing else"),
        }
    }
}
