// What the page does beyond forms and links: it follows what happens, counts times down, and counts
// letters with the server. Without it everything still works.
"use strict";

(function () {
  const live = document.querySelector("#live[data-live]");
  const changed = document.getElementById("changed");
  const link = document.getElementById("link");
  const startedAt = Date.now();
  let busy = false;
  let again = false;

  // Times in words, as the server tells them.
  function words(ms) {
    const ahead = ms > 0;
    const seconds = Math.floor(Math.abs(ms) / 1000);
    if (seconds < 1) return "now";
    const minutes = Math.floor(seconds / 60), hours = Math.floor(minutes / 60), days = Math.floor(hours / 24);
    let text;
    if (days > 1) text = days + " days";
    else if (days === 1) text = "1 day" + (hours % 24 ? " " + (hours % 24) + " h" : "");
    else if (hours) text = hours + " h" + (minutes % 60 ? " " + (minutes % 60) + " min" : "");
    else if (minutes) text = minutes + " min" + (minutes < 5 && seconds % 60 ? " " + (seconds % 60) + " s" : "");
    else text = seconds + " s";
    return ahead ? "in " + text : text + " ago";
  }

  // The server's clock may differ from this one: what it told is counted on from when it was shown.
  function remember(root) {
    root.querySelectorAll("time[data-count]").forEach(function (time) {
      if (time.offset !== undefined) return;
      const now = document.querySelector("#live [data-now]");
      const server = now ? Date.parse(now.dataset.now) : Date.now();
      time.offset = server - Date.now();
    });
  }

  function count() {
    document.querySelectorAll("time[data-count]").forEach(function (time) {
      const at = Date.parse(time.dateTime);
      if (Number.isNaN(at) || time.offset === undefined) return;
      const text = words(at - (Date.now() + time.offset));
      if (time.textContent !== text) time.textContent = text;
    });
  }

  // Whether somebody is in the middle of something that a new page would take away.
  function inUse() {
    if (live.querySelector("form.edit.touched, details.confirm[open]")) return true;
    const field = document.activeElement;
    return live.contains(field) && field.matches("input:not([type=hidden]), textarea, select");
  }

  async function renew(force) {
    if (!live) return;
    if (busy) { again = true; return; }
    if (!force && inUse()) { changed.hidden = false; return; }
    busy = true;
    try {
      const answer = await fetch(location.href, { credentials: "same-origin", redirect: "error" });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("live");
      if (!fresh || (!force && inUse())) { changed.hidden = !fresh; return; }
      const open = Array.from(live.querySelectorAll("details[open][id]"), function (it) { return it.id; });
      const closed = Array.from(live.querySelectorAll("details:not([open])[id]"), function (it) { return it.id; });
      const focus = live.contains(document.activeElement) ? document.activeElement.id : "";
      live.replaceChildren.apply(live, Array.from(fresh.childNodes));
      open.forEach(function (id) { const it = document.getElementById(id); if (it) it.open = true; });
      closed.forEach(function (id) { const it = document.getElementById(id); if (it) it.open = false; });
      const back = focus && document.getElementById(focus);
      if (back) back.focus({ preventScroll: true });
      const head = page.querySelector("header.top");
      const old = document.querySelector("header.top");
      if (head && old && !old.contains(document.activeElement)) old.replaceWith(head);
      changed.hidden = true;
      dress(live);
      live.dataset.renewed = String(Number(live.dataset.renewed || 0) + 1);
    } catch (error) {
      // The daemon may be starting anew; the next event brings the page up to date.
    } finally {
      busy = false;
      if (again) { again = false; renew(false); }
    }
  }

  function follow() {
    const events = new EventSource("/events");
    let lost = false;
    events.addEventListener("change", function (event) {
      link.hidden = false;
      link.textContent = "Live";
      document.documentElement.dataset.live = "yes";
      if (event.data === "hello") { if (lost) renew(false); lost = false; return; }
      renew(false);
    });
    events.addEventListener("error", function () {
      lost = true;
      link.hidden = false;
      link.textContent = events.readyState === EventSource.CLOSED ? "Not live: reload to see what is new" : "Connecting…";
      delete document.documentElement.dataset.live;
    });
    addEventListener("pagehide", function () { events.close(); });
  }

  // The count of a text that is being edited, as the network will count it.
  function counting(form) {
    const field = form.querySelector("textarea"), shown = form.querySelector("output");
    let timer = 0, asked = 0;
    field.addEventListener("input", function () {
      form.classList.add("touched");
      clearTimeout(timer);
      timer = setTimeout(async function () {
        const mine = ++asked;
        const answer = await fetch(form.dataset.countAt, {
          method: "POST", credentials: "same-origin",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ text: field.value }),
        }).catch(function () { return null; });
        if (!answer || !answer.ok || mine !== asked) return;
        const told = await answer.json();
        shown.textContent = told.weighted_length + "/" + told.limit + ", " + told.cost + (told.complaint ? ": " + told.complaint : "");
        shown.classList.toggle("over", Boolean(told.complaint));
        field.setAttribute("aria-invalid", told.complaint ? "true" : "false");
      }, 200);
    });
  }

  function dress(root) {
    root.querySelectorAll("form[data-count-at]").forEach(counting);
    remember(root);
    count();
  }

  document.getElementById("show").addEventListener("click", function () { renew(true); });
  dress(document);
  setInterval(count, 1000);
  if (live && window.EventSource) follow();
  document.documentElement.dataset.started = String(startedAt);
})();
