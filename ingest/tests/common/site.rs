//! A site that is a real program, run by a script of `deploy/sites`. It ends with this process, however that ends: the script
//! reads from a pipe whose other end is ours.

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
};

pub(crate) struct Site {
    pub(crate) url: String,
    script: PathBuf,
    folder: PathBuf,
    child: Child,
    /// Held open: its end is what ends the site.
    stdin: Option<ChildStdin>,
}

impl Site {
    /// Starts the site of a script, such as `wordpress.sh`.
    pub(crate) fn start(script: &str) -> Self {
        let name = script;
        let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
        let script = above.map(|folder| folder.join("deploy/sites").join(name)).find(|script| script.exists()).unwrap();
        let folder = std::env::temp_dir().join(format!("wanglou-{name}-{}", std::process::id()));
        let mut command = Command::new(&script);
        // A group of its own: a signal that ends all of us (Ctrl-C) must leave it alive to clean up.
        command.arg("run").arg(&folder).stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        let mut child = command.spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        assert!(
            url.starts_with("http://"),
            "deploy/sites/{name} did not start; deploy/packages.sh installs what it needs"
        );
        let stdin = child.stdin.take();
        Self { url: url.trim().into(), script, folder, child, stdin }
    }

    /// Runs another command of the script, and gives what it prints.
    pub(crate) fn tell(&self, arguments: &[&str], input: &str) -> String {
        let mut command = Command::new(&self.script);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// The folder that it lives in.
    pub(crate) fn folder(&self) -> &str {
        self.folder.to_str().unwrap()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.stdin.take();
        let _ = self.child.wait();
    }
}
