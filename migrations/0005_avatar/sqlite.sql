-- The name under which a user's picture is stored; the files are in the storage, not here.
ALTER TABLE user_account ADD COLUMN avatar TEXT;
CREATE UNIQUE INDEX user_account_avatar_key ON user_account (avatar) WHERE avatar IS NOT NULL;
