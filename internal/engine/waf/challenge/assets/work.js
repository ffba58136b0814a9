(async () => {
  "use strict";
  const data = document.querySelector("main").dataset;
  const state = document.getElementById("state");
  try {
    await fastnessWAF.earn({ seed: data.seed, difficulty: Number(data.difficulty), challenge: data.challenge, verify: data.verify });
    if (!fastnessWAF.token()) { // a reload would begin again, forever
      state.textContent = "Please allow cookies for this site and load the page again.";
      return;
    }
    location.reload();
  } catch {
    state.textContent = "The check has failed. Load the page again, or solve a puzzle.";
    document.getElementById("instead").hidden = false;
  }
})();
