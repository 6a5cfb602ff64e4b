"use strict";
(function () {
  var record = JSON.parse(document.getElementById("records").textContent);
  var root = document.documentElement;
  var whole = record.seconds, begin = Date.parse(record.begin), fields = record.fields, strings = record.strings;
  if (!(whole > 0)) { return; }
  var states = [], times = [];
  var last = fields.map(function () { return 0; });
  record.frames.forEach(function (frame) {
    last = last.slice();
    for (var i = 1; i < frame.length; i += 2) { last[frame[i]] = frame[i + 1]; }
    times.push(frame[0]);
    states.push(last);
  });
  var at = fields.reduce(function (all, name, number) { all[name] = number; return all; }, {});
  var places = [];
  document.querySelectorAll("[data-field]").forEach(function (element) {
    if (element.dataset.field in at) { places.push([element, at[element.dataset.field]]); }
  });
  var rows = [].slice.call(document.querySelectorAll("[data-row]"));
  var scrub = document.getElementById("scrub"), play = document.getElementById("play");
  var cursor = document.getElementById("cursor"), drawing = document.getElementById("timeline");
  var left = Number(drawing.dataset.left), width = Number(drawing.dataset.width);
  var band = document.getElementById("now-verdict"), list = document.getElementById("now-events");
  var offset = document.getElementById("now-offset"), clock = document.getElementById("now-clock");
  var moment = whole, timer = null;

  function newest(of, second) {
    var low = 0, high = of.length;
    while (low < high) { var middle = (low + high) >> 1; if (of[middle] <= second) { low = middle + 1; } else { high = middle; } }
    return low - 1;
  }
  function two(number) { return (number < 10 ? "0" : "") + number; }
  function named(second) {
    if (record.cutover === null) { return ""; }
    var seconds = (second - record.cutover) * record.scale, minutes = Math.floor(Math.abs(seconds) / 60 + 1e-6);
    if (seconds >= 0 && minutes > 2880) {
      return "day " + Math.floor(minutes / 1440) + " " + two(Math.floor(minutes % 1440 / 60)) + ":" + two(minutes % 60);
    }
    return "T" + (seconds < 0 && minutes ? "-" : "+") + Math.floor(minutes / 60) + ":" + two(minutes % 60);
  }
  function time(second) { return new Date(begin + second * 1000).toISOString(); }
  function silent(second) { return record.gaps.some(function (gap) { return gap[0] < second && second < gap[1]; }); }

  function show(second, kept) {
    moment = Math.min(Math.max(second, 0), whole);
    var number = newest(times, moment);
    var known = number >= 0 && moment - times[number] <= record.patience && !silent(moment);
    places.forEach(function (place) {
      place[0].textContent = known ? strings[states[number][place[1]]] || "" : "-";
    });
    var word = known ? strings[states[number][at.verdict]] : "UNKNOWN";
    band.className = "verdict v-" + word.replace(" ", "-");
    band.firstChild.textContent = word;
    if (!known) {
      document.querySelector("[data-field=why]").textContent = "no record of this moment: the monitor was down, or wrote nothing";
      document.querySelectorAll("em[data-field]").forEach(function (element) { element.textContent = ""; });
    }
    rows.forEach(function (row) {
      var active = known && strings[states[number][at["row:" + row.dataset.row + ":active"]]] === "1";
      row.className = active ? "active" : "";
    });
    document.querySelectorAll("[data-field]").forEach(function (element) { element.hidden = element.textContent === ""; });
    offset.textContent = named(moment);
    clock.textContent = time(moment).replace("T", " ").slice(0, 19) + "Z";
    told();
    cursor.setAttribute("x1", left + moment / whole * width);
    cursor.setAttribute("x2", left + moment / whole * width);
    if (!kept) { scrub.value = Math.round(moment / whole * Number(scrub.max)); }
    scrub.setAttribute("aria-valuetext", (named(moment) + " " + clock.textContent + " " + word).trim());
  }
  var eventTimes = record.events.map(function (event) { return event[0]; });
  function told() {
    var end = newest(eventTimes, moment) + 1;
    list.textContent = "";
    record.events.slice(Math.max(end - 8, 0), end).forEach(function (event) {
      var row = document.createElement("tr");
      [named(event[0]), time(event[0]).slice(11, 19) + "Z", event[1]].forEach(function (text, number) {
        var cell = document.createElement(number ? "td" : "th");
        cell.textContent = text;
        row.appendChild(cell);
      });
      row.className = moment - event[0] <= whole / 500 ? "fresh" : "";
      list.appendChild(row);
    });
  }
  function step(by) {
    var number = newest(times, moment) + by;
    if (times.length) { show(times[Math.min(Math.max(number, 0), times.length - 1)]); }
  }
  function turn(by) {
    var number = by > 0 ? newest(eventTimes, moment) + 1 : newest(eventTimes, moment - 0.05);
    if (number >= 0 && number < eventTimes.length) { show(eventTimes[number]); }
  }
  function pause() { clearInterval(timer); timer = null; play.textContent = "Play"; }
  function toggle() {
    if (timer !== null) { pause(); return; }
    if (moment >= whole) { show(0); }
    play.textContent = "Pause";
    timer = setInterval(function () {
      if (moment >= whole) { pause(); } else { show(moment + whole / 600); }
    }, 100);
  }
  scrub.addEventListener("input", function () { show(Number(scrub.value) / Number(scrub.max) * whole, true); });
  play.addEventListener("click", toggle);
  document.getElementById("before").addEventListener("click", function () { turn(-1); });
  document.getElementById("after").addEventListener("click", function () { turn(1); });
  drawing.addEventListener("click", function (event) {
    var box = drawing.getBoundingClientRect();
    show(((event.clientX - box.left) / box.width * drawing.viewBox.baseVal.width - left) / width * whole);
  });
  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.altKey || event.metaKey) { return; }
    var steps = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (steps) { (event.shiftKey ? turn : step)(steps); }
    else if (event.key === "Home" && event.target === scrub) { show(0); }
    else if (event.key === "End" && event.target === scrub) { show(whole); }
    else if (event.key === " " && event.target.tagName !== "BUTTON") { toggle(); }
    else { return; }
    event.preventDefault();
  });
  root.classList.add("scripted");
  show(whole);
}());
