"use strict";
(function () {
  var K = [], H = [], found = 0;
  for (var n = 2; found < 64; n++) {
    var prime = true;
    for (var d = 2; d * d <= n; d++) if (n % d === 0) prime = false;
    if (prime) {
      if (found < 8) H[found] = (Math.pow(n, 1 / 2) * 4294967296) | 0;
      K[found++] = (Math.pow(n, 1 / 3) * 4294967296) | 0;
    }
  }
  function turn(x, by) { return (x >>> by) | (x << (32 - by)); }
  function sha256(text) {
    var bytes = unescape(encodeURIComponent(text)), length = bytes.length, words = [], h = H.slice();
    for (var i = 0; i < length; i++) words[i >> 2] |= bytes.charCodeAt(i) << (24 - (i % 4) * 8);
    words[length >> 2] |= 128 << (24 - (length % 4) * 8);
    var end = (((length + 8) >> 6) + 1) * 16;
    words[end - 1] = length * 8;
    for (var at = 0; at < end; at += 16) {
      var w = [], v = h.slice();
      for (i = 0; i < 64; i++) {
        if (i < 16) w[i] = words[at + i] | 0;
        else {
          var a = w[i - 15], b = w[i - 2];
          w[i] = (w[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) + w[i - 7] +
            (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10))) | 0;
        }
        var one = v[7] + (turn(v[4], 6) ^ turn(v[4], 11) ^ turn(v[4], 25)) +
          ((v[4] & v[5]) ^ (~v[4] & v[6])) + K[i] + w[i];
        var two = (turn(v[0], 2) ^ turn(v[0], 13) ^ turn(v[0], 22)) +
          ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        v = [(one + two) | 0, v[0], v[1], v[2], (v[3] + one) | 0, v[4], v[5], v[6]];
      }
      for (i = 0; i < 8; i++) h[i] = (h[i] + v[i]) | 0;
    }
    var sum = "";
    for (i = 0; i < 32; i++) sum += String.fromCharCode((h[i >> 2] >>> (24 - (i % 4) * 8)) & 255);
    return btoa(sum).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
  }
  var name = document.documentElement.getAttribute("data-cookie") + "=";
  function session() {
    var all = document.cookie.split(/; */);
    for (var i = 0; i < all.length; i++) if (all[i].indexOf(name) === 0) return all[i].slice(name.length);
    return "";
  }
  function judge(data, origin) {
    if (typeof data !== "string") return "error";
    var at = data.lastIndexOf(" "), state = data.slice(at + 1).split(".");
    if (at < 1 || state.length !== 2 || !state[0] || !state[1]) return "error";
    var now = sha256(data.slice(0, at) + origin + session() + state[1]);
    return now === state[0] ? "unchanged" : "changed";
  }
  window.addEventListener("message", function (event) {
    if (event.source && event.source !== window && event.origin && event.origin !== "null") {
      event.source.postMessage(judge(event.data, event.origin), event.origin);
    }
  });
})();
