// The server under test as a process, and waiting for things. See ../hearth.py, which does the same for Python.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");
const BINARY = process.env.SERVER_BINARY || process.env.HEARTH_BIN || path.join(ROOT, "build/hearth");
const REPORT = /ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|Assertion `/;

/** How many times slower than a release build the server is; timeouts grow with it. */
export const SLOWNESS = Number(process.env.SERVER_SLOWNESS || "1");
export const TOKEN = "let-me-in";
export const PASSWORD = "correct horse battery";

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks again until the condition gives something true, and returns that. */
export async function eventually(condition, what, ms = 20000) {
    const deadline = Date.now() + ms * SLOWNESS;
    for (;;) {
        const found = await condition();
        if (found) return found;
        if (Date.now() > deadline) throw new Error(`did not happen: ${what}`);
        await pause(5);
    }
}

async function freePort() {
    for (;;) {
        const port = 12000 + Math.floor(Math.random() * 20000);
        const probe = createServer();
        const free = await new Promise((resolve) => {
            probe.once("error", () => resolve(false));
            probe.listen(port, "127.0.0.1", () => resolve(true));
        });
        if (!free) continue;
        await new Promise((resolve) => probe.close(resolve));
        return port;
    }
}

export class Server {
    static async make() {
        const server = new Server();
        server.folder = await mkdtemp(path.join(tmpdir(), "hearth-js-"));
        server.port = await freePort();
        server.url = `http://127.0.0.1:${server.port}`;
        server.config = path.join(server.folder, "hearth.toml");
        server.logPath = path.join(server.folder, "server.log");
        const options = {
            server_name: "localhost",
            address: "127.0.0.1",
            port: server.port,
            database_path: path.join(server.folder, "data"),
            allow_registration: true,
            registration_token: TOKEN,
        };
        const lines = Object.entries(options).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
        await writeFile(server.config, ["[global]", ...lines, ""].join("\n"));
        return server;
    }

    async start() {
        const log = await open(this.logPath, "a");
        const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("HEARTH_")));
        this.process = spawn(BINARY, ["serve", "--config", this.config], { stdio: ["ignore", log.fd, log.fd], env });
        this.ended = once(this.process, "exit");
        await log.close();
        await eventually(async () => {
            if (this.process.exitCode !== null) throw new Error(`the server ended:\n${await this.log()}`);
            try {
                return (await fetch(`${this.url}/_matrix/client/versions`)).ok;
            } catch {
                return false;
            }
        }, "the server answers");
    }

    log() {
        return readFile(this.logPath, "utf8");
    }

    /** SIGTERM; the server must end well. */
    async stop() {
        this.process.kill("SIGTERM");
        const late = setTimeout(() => this.process.kill("SIGKILL"), 15000 * SLOWNESS);
        const [code, signal] = await this.ended;
        clearTimeout(late);
        if (code !== 0) throw new Error(`the server ended with ${code ?? signal}:\n${await this.log()}`);
        if (REPORT.test(await this.log())) throw new Error(await this.log());
    }

    async restart() {
        await this.stop();
        await this.start();
    }

    async remove() {
        await rm(this.folder, { recursive: true, force: true });
    }
}
