-- Which version of its plugin an attempt began with: SHA-256 of the component in hex. The plugin's own
-- state in `exchange.state` is for that version alone, so a resume after a crash or a swap loads it.
-- Null in rows of older programs.
alter table attempt add column plugin_digest text;
