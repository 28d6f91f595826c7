// Keeps an open window up to date. Without it everything works by links, forms and reloading.
"use strict";

(() => {
  const body = document.body;
  const live = document.getElementById("live");
  const waiting = document.getElementById("waiting");
  let source = null;
  let busy = false;
  let again = false;

  const say = (text) => { live.textContent = text; };

  async function refresh() {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    try {
      const answer = await fetch(body.dataset.at || location.href, { credentials: "same-origin" });
      if (answer.status === 401) {
        listen(false);
        say("You are signed out. Reload the page.");
      } else if (answer.ok) {
        take(new DOMParser().parseFromString(await answer.text(), "text/html"));
      }
    } catch {
      // The server is away; the stream of events comes back with it.
    }
    busy = false;
    if (again) {
      again = false;
      refresh();
    }
  }

  function take(found) {
    body.dataset.seen = found.body.dataset.seen;
    document.title = found.title;
    count(Number(found.getElementById("waiting").textContent));
    for (const part of document.querySelectorAll("[data-live]")) {
      swap(part, found.getElementById(part.id));
    }
    if (body.dataset.view === "request") {
      takeStatus(found.getElementById("status"));
    }
  }

  function count(now) {
    const before = Number(waiting.textContent);
    if (now === before) {
      return;
    }
    waiting.textContent = String(now);
    const waits = now === 1 ? "1 request waits." : `${now} requests wait.`;
    say(now > before ? `A new request: ${waits}` : waits);
  }

  function swap(part, found) {
    if (!found || part.innerHTML === found.innerHTML) {
      return;
    }
    const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
    part.replaceChildren(...found.childNodes);
    if (focused) {
      (document.getElementById(focused) || document.getElementById("main")).focus({ preventScroll: true });
    }
  }

  function takeStatus(found) {
    const status = document.getElementById("status");
    if (!found || status.textContent === found.textContent) {
      return;
    }
    const ended = status.dataset.status === "pending" && found.dataset.status !== "pending";
    status.replaceWith(found);
    if (ended) {
      end();
      say(found.textContent);
    }
  }

  // Nothing can be decided any more; words that were being written stay, to be copied.
  function end() {
    const answer = document.querySelector(".answer");
    const words = document.getElementById("feedback");
    const held = document.activeElement.closest("#decide") !== null;
    document.querySelector(".bar").remove();
    if (words.value) {
      words.readOnly = true;
      for (const part of answer.querySelectorAll(".grant, .choice, .note")) {
        part.remove();
      }
    } else {
      answer.remove();
    }
    if (held) {
      document.getElementById("main").focus({ preventScroll: true });
    }
  }

  function listen(wanted) {
    if (source) {
      source.close();
      source = null;
    }
    if (wanted) {
      source = new EventSource(`/events?seen=${encodeURIComponent(body.dataset.seen)}`);
      source.addEventListener("changed", refresh);
      source.addEventListener("error", () => {
        if (source && source.readyState === EventSource.CLOSED) {
          say("This page does not change by itself any more. Reload it.");
        }
      });
    }
  }

  const form = document.getElementById("decide");
  if (form) {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) {
        event.preventDefault();
      }
      form.dataset.sent = "1";
    });
  }
  // A browser opens few connections to one server: a window that nobody sees gives its own back.
  document.addEventListener("visibilitychange", () => listen(!document.hidden));
  addEventListener("pagehide", () => listen(false));
  addEventListener("pageshow", (event) => {
    if (event.persisted) {
      location.reload();
    }
  });
  listen(!document.hidden);
})();
