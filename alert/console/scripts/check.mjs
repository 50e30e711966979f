/** What the compiler does not see: types that no longer fit the contract, and doors through which text could become HTML. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

const FORBIDDEN = [
  [/\bv-html\b/, "v-html shows crawled text as HTML"],
  [/\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write)\b/, "shows text as HTML"],
  [/\beval\s*\(|new Function\s*\(/, "the content security policy forbids it"],
  [
    /target="_blank"(?![^>]*rel="noopener noreferrer nofollow")/,
    'a link to outside needs rel="noopener noreferrer nofollow"',
  ],
];

function* files(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* files(path);
    else if (/\.(ts|vue)$/.test(name) && !name.endsWith(".d.ts")) yield path;
  }
}

let faults = 0;
for (const path of files("src")) {
  // Comments may speak of what is forbidden.
  const code = readFileSync(path, "utf8").replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, " "));
  for (const [pattern, why] of FORBIDDEN) {
    const match = pattern.exec(code);
    if (!match) continue;
    const line = code.slice(0, match.index).split("\n").length;
    console.error(`${path}:${line}: ${match[0]}: ${why}`);
    faults += 1;
  }
}

try {
  execFileSync("npm", ["run", "--silent", "types", "--", "--check"], { stdio: "inherit" });
} catch {
  console.error(
    "src/api/schema.d.ts does not fit schemas/openapi.json: run `npm run types` and mend what no longer compiles",
  );
  faults += 1;
}
process.exit(faults > 0 ? 1 : 0);
