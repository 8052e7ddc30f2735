// Starts the OpenClaw gateway in a container, and hands on to it what comes from the network that it shares with the
// agent-runner alone. The gateway trusts its token by itself on loopback only; from elsewhere it would ask for a
// person's approval of each new device.
import { spawn } from "node:child_process";
import { createServer, request } from "node:http";
import { networkInterfaces } from "node:os";

const port = 18789;
const command = ["/opt/openclaw/node_modules/openclaw/openclaw.mjs", "gateway"];
const gateway = spawn(process.execPath, command, { stdio: "inherit" });

const onward = ({ method, url, headers }) =>
  request({ host: "127.0.0.1", port, method, path: url, headers: { ...headers, host: `127.0.0.1:${port}` } });

const answer = (asked, response) => {
  const inner = onward(asked).on("error", () => response.destroy());
  inner.on("response", (said) => said.pipe(response.writeHead(said.statusCode, said.headers)));
  asked.pipe(inner);
};

const join = (asked, outside) => {
  const leave = () => outside.destroy();
  const inner = onward(asked).on("error", leave).on("response", leave);
  inner.on("upgrade", ({ rawHeaders }, inside, first) => {
    const lines = rawHeaders.map((word, index) => (index % 2 ? `${word}\r\n` : `${word}: `)).join("");
    outside.write(`HTTP/1.1 101 Switching Protocols\r\n${lines}\r\n`);
    outside.write(first);
    for (const [from, to] of [[outside, inside], [inside, outside]]) {
      from.pipe(to);
      from.on("error", () => to.destroy()).on("close", () => to.destroy());
    }
  });
  inner.end();
};

for (const { address, family, internal } of Object.values(networkInterfaces()).flat())
  if (family === "IPv4" && !internal) createServer(answer).on("upgrade", join).listen(port, address);

for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => gateway.kill("SIGTERM"));
gateway.on("exit", (code) => process.exit(code ?? 1));
