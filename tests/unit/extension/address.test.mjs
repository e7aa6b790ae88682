// Which addresses are fetched for a page of the internet, of a private network and of this computer.
import assert from "node:assert/strict";
import { test } from "node:test";
import { COMPUTER, INTERNET, NETWORK, mayReach, placeOf } from "../../../extension/engine/address.js";

const HOSTS = {
  [COMPUTER]: [
    "127.0.0.1", "127.255.255.254", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "127.0.0.1.", "0.0.0.0", "0", "0.1.2.3",
    "localhost", "LOCALHOST", "localhost.", "a.localhost", "a.b.localhost.", "localhost.localdomain", "[::1]", "[0:0:0:0:0:0:0:1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "[::127.0.0.1]", "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]", "[::ffff:0:127.0.0.1]", "[::ffff:0.0.0.0]", "１２７.0.0.1", "loc%61lhost", "127。0。0。1",
  ],
  [NETWORK]: [
    "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1", "192.168.0.1.", "0xc0a80001", "3232235521", "169.254.169.254", "100.64.0.1", "100.127.255.255",
    "198.18.0.1", "198.19.255.255", "192.0.0.1", "224.0.0.251", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "[fc00::1]", "[fd12:3456::1]", "[fe80::1]", "[febf::1]", "[fec0::1]", "[ff02::fb]", "[::ffff:10.0.0.1]", "[::ffff:192.168.1.1]", "[64:ff9b::10.0.0.1]", "[64:ff9b:1::1]", "[2002:c0a8:101::]",
    "printer.local", "printer.local.", "a.b.internal", "metadata.google.internal", "router.home.arpa", "nas.lan", "intranet", "router", "wiki.corp", "x.intranet",
  ],
  [INTERNET]: [
    "radio.example", "radio.example.", "8.8.8.8", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1", "172.15.255.255", "172.32.0.1", "192.167.1.1", "192.169.0.1",
    "169.253.1.1", "169.255.1.1", "198.17.255.255", "198.20.0.1", "223.255.255.255", "203.0.113.5", "[2001:db8::1]", "[2606:4700::1]", "[::ffff:8.8.8.8]", "[64:ff9b::8.8.8.8]", "[2002:808:808::]", "[fbff::1]",
    "localhost.example", "local.example", "notlocalhost.com", "mylocal.net", "127.0.0.1.nip.io", "internal.com",
  ],
};

for (const [place, hosts] of Object.entries(HOSTS))
  test(`hosts of place ${place}`, () => {
    for (const host of hosts) assert.equal(placeOf(new URL(`http://${host}:8080/a`).hostname), Number(place), host);
  });

test("a page reaches what lies no further inside than itself", () => {
  const pages = { [COMPUTER]: "http://localhost:3000", [NETWORK]: "http://192.168.1.5", [INTERNET]: "https://radio.example" };
  for (const [of, page] of Object.entries(pages))
    for (const [place, hosts] of Object.entries(HOSTS)) assert.equal(mayReach(`https://${hosts[0]}/song.sps`, page), Number(place) <= Number(of), `${page} ${hosts[0]}`);
});

test("a page without a web origin has the internet only; what is no plain web address is reached by nobody", () => {
  for (const page of ["file://", "null", "", "moz-extension://x"]) {
    assert.ok(mayReach("https://radio.example/a", page));
    for (const url of ["http://127.0.0.1/", "http://10.0.0.1/"]) assert.equal(mayReach(url, page), false);
  }
  for (const url of ["http://a:b@radio.example/", "http://a@radio.example/", "ftp://radio.example/", "file:///etc/passwd", "data:,x", "blob:https://radio.example/1", "javascript:0", "//x", "", "https://["])
    assert.equal(mayReach(url, "http://localhost"), false, url);
});
