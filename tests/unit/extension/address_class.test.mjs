// Addresses that are fetched for a page of the internet, of a private network and of this computer.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { COMPUTER, INTERNET, NETWORK, mayReach, classOf } from "../../../extension/engine/media/address_class.js";

const vectors = JSON.parse(readFileSync(new URL("../../vectors/addresses.json", import.meta.url), "utf8"));
/** The same list holds common/address_class.py. */
const HOSTS = { [COMPUTER]: vectors.computer, [NETWORK]: vectors.network, [INTERNET]: vectors.internet };

for (const [place, hosts] of Object.entries(HOSTS))
  test(`hosts of place ${place}`, () => {
    for (const host of hosts) assert.equal(classOf(new URL(`http://${host}:8080/a`).hostname), Number(place), host);
  });

test("a page has the addresses of its own class and of those outside of it", () => {
  const pages = {
    [COMPUTER]: "http://localhost:3000",
    [NETWORK]: "http://192.168.1.5",
    [INTERNET]: "https://radio.example",
  };
  for (const [of, page] of Object.entries(pages))
    for (const [place, hosts] of Object.entries(HOSTS))
      assert.equal(mayReach(`https://${hosts[0]}/song.sps`, page), Number(place) <= Number(of), `${page} ${hosts[0]}`);
});

test("a name that is this computer in some browsers only is of the network's class", () => {
  for (const host of ["evil.localdomain", "localhost.localdomain", "ip6-localhost", "localhost6"]) {
    assert.equal(mayReach("http://127.0.0.1/a", `http://${host}`), false, host);
    assert.equal(mayReach("http://10.0.0.1/a", `http://${host}`), true, host);
    assert.equal(mayReach(`http://${host}/a`, "http://10.0.0.1"), false, host);
  }
  for (const host of [
    "localhost",
    "a.localhost",
    "localhost.",
    "127.0.0.1",
    "0x7f.1",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "0.0.0.0",
  ])
    assert.ok(mayReach("http://127.0.0.1/a", `http://${host}`), host);
});

test("a page without a web origin has the internet only; other addresses than plain web addresses are refused", () => {
  for (const page of ["file://", "null", "", "moz-extension://x"]) {
    assert.ok(mayReach("https://radio.example/a", page));
    for (const url of ["http://127.0.0.1/", "http://10.0.0.1/"]) assert.equal(mayReach(url, page), false);
  }
  for (const url of [
    "http://a:b@radio.example/",
    "http://a@radio.example/",
    "ftp://radio.example/",
    "file:///etc/passwd",
    "data:,x",
    "blob:https://radio.example/1",
    "javascript:0",
    "//x",
    "",
    "https://[",
  ])
    assert.equal(mayReach(url, "http://localhost"), false, url);
});
