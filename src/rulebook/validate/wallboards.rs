//! Wallboards and their scenes.

use super::Checker;
use super::place::Place;
use crate::rulebook::model::Scene;

impl<'a> Checker<'a> {
    pub(super) fn check_wallboards(&mut self, list: Place<'a>) {
        self.check_unique(list, "key");
        for (board, place) in self.document.wallboards.iter().zip(list.read()) {
            self.require(board.rotate.0 > 0, place.key("rotate"), "a scene stays for some time");
            let scenes = place.key("scenes");
            self.require(scenes.items().next().is_some(), scenes, "a wallboard needs at least one scene");
            for (scene, place) in board.scenes.iter().zip(scenes.read()) {
                match scene {
                    Scene::Leaderboard { board } => self.check_reference(board, "board", place.key("board")),
                    Scene::Team { board } => {
                        self.check_reference(board, "board", place.key("board"));
                        let teams = !self.names.has("board", board) || self.names.of_whom("leaderboards", board) == "team";
                        self.require(teams, place.key("board"), format!("board `{board}` does not rank teams"));
                    }
                    Scene::Contest { contest } => self.check_reference(contest, "contest", place.key("contest")),
                    Scene::Thermometer { goal } => self.check_reference(goal, "goal", place.key("goal")),
                }
            }
        }
    }
}
