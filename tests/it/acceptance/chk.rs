//! CHK: the session-management frame, cross-origin calls, and where the server is hosted.
