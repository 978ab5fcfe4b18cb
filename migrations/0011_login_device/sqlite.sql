-- Devices from which somebody has logged in, by the hash of the token that they keep. One belongs to the session that it
-- opened last, which may be gone.
CREATE TABLE login_device (
  hash BLOB PRIMARY KEY,
  user_id BLOB NOT NULL REFERENCES user_account (id),
  session_id BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX login_device_user ON login_device (user_id, created_at);
CREATE INDEX login_device_end ON login_device (expires_at);
