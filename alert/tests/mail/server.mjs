// A mail server on 127.0.0.1 that keeps nothing: what it takes it prints, a JSON object a line. `server.sh` starts it.
//
//   node server.mjs CERTIFICATE.pem KEY.pem
//
// It prints the two ports first: {"starttls":…,"tls":…}. Log in as `wanglou` with the password `s3cret`, which is allowed over TLS alone. What a
// recipient's name begins with decides: `nobody` is refused for good (550), `full` for now (452); a message to `spam` is refused after it was
// sent (554), one to `later` put off (451); to `mute` nothing is answered when it was sent.
import { readFileSync } from "node:fs";
import { SMTPServer } from "smtp-server";

const [cert, key] = process.argv.slice(2, 4).map((file) => readFileSync(file));
const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");
const refuse = (code, words) => Object.assign(new Error(words), { responseCode: code });
const named = (session, name) => session.envelope.rcptTo.some((to) => to.address.startsWith(name));

const server = (secure) =>
  new SMTPServer({
    cert,
    key,
    secure,
    name: "mail.desk.example",
    authOptional: true,
    authMethods: ["PLAIN", "LOGIN"],
    allowInsecureAuth: false,
    logger: false,
    onAuth: ({ username, password }, session, done) =>
      username === "wanglou" && password === "s3cret"
        ? done(null, { user: username })
        : done(refuse(535, "5.7.8 Authentication credentials invalid")),
    onRcptTo: ({ address }, session, done) => {
      if (address.startsWith("nobody")) return done(refuse(550, "5.1.1 No such user here"));
      if (address.startsWith("full")) return done(refuse(452, "4.2.2 Mailbox full"));
      return done();
    },
    onData: (stream, session, done) => {
      const chunks = [];
      stream.on("data", (chunk) => chunks.push(chunk));
      stream.on("end", () => {
        if (named(session, "spam")) return done(refuse(554, "5.7.1 Message rejected"));
        if (named(session, "later")) return done(refuse(451, "4.7.1 Greylisted, please try again"));
        say({
          from: session.envelope.mailFrom.address,
          to: session.envelope.rcptTo.map((to) => to.address),
          user: session.user ?? null,
          secure: session.secure,
          raw: Buffer.concat(chunks).toString("utf8"),
        });
        return named(session, "mute") ? undefined : done(null, "queued");
      });
    },
  });

const listen = (of) =>
  new Promise((resolve, reject) => {
    of.on("error", () => {}); // A client that goes away is not the server's end.
    of.server.once("error", reject);
    of.listen(0, "127.0.0.1", () => resolve(of.server.address().port));
  });

say({ starttls: await listen(server(false)), tls: await listen(server(true)) });
// Whoever holds the other end is gone, however it went.
process.stdin.on("end", () => process.exit(0)).resume();
