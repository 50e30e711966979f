//! `wanglou search`: the archive from the shell.
