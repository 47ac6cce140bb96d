// Opens the page's WebSocket and shows what comes back.
const panel = document.getElementById("socket");
if (panel) {
  const state = document.getElementById("socket-state");
  const text = document.getElementById("socket-text");
  const log = document.getElementById("socket-log");
  const address = new URL(panel.dataset.path, location.href);
  address.protocol = address.protocol.replace("http", "ws");
  const socket = new WebSocket(address);
  panel.hidden = false;
  socket.addEventListener("open", () => { state.textContent = "open"; });
  socket.addEventListener("close", () => { state.textContent = "closed"; });
  socket.addEventListener("message", (event) => {
    const line = document.createElement("li");
    line.textContent = event.data;
    log.append(line);
  });
  panel.addEventListener("submit", (event) => {
    event.preventDefault();
    if (socket.readyState === WebSocket.OPEN) {
      socket.send(text.value);
      text.value = "";
    }
  });
}
