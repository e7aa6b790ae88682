"""Fixed texts of the HTML packaging, in English and Chinese; texts with tags are HTML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

HEADINGS: Final[Mapping[str, str]] = {"en": "The terms", "zh": "使用条款"}

HELP: Final[Mapping[str, Mapping[str, object]]] = {
    "en": {
        "heading": "How to hear it",
        "sealed": "The recording is in this file, sealed. GoMAA, a free browser extension, opens it under the terms "
        "above.",
        "steps": (
            "Add the GoMAA extension to Chromium, Chrome or Firefox: your station or the band tells you where.",
            "Connect it with this computer: <code>gomaa host install</code>.",
            "Reload this page and press play.",
        ),
        "have": "You have GoMAA and see this all the same?",
        "chromium": (
            "Chromium and Chrome keep extensions away from files on your disk until you allow it: open "
            "<code>chrome://extensions</code>,"
            " choose <b>Details</b> at GoMAA, switch on <b>Allow access to file URLs</b>, and reload this page."
        ),
        "firefox": (
            "Firefox keeps extensions away from files on your disk until you allow it: open "
            "<code>about:addons</code>, choose GoMAA, then"
            " <b>Permissions</b>, switch on access to <b>local files on your computer</b>, and reload this page."
        ),
        "station": "Or hear it at the station.",
    },
    "zh": {
        "heading": "如何收听",
        "sealed": "录音已加密保存在本文件中。免费的浏览器扩展 GoMAA 会按上述条款打开它。",
        "steps": (
            "为 Chromium、Chrome 或 Firefox 添加 GoMAA 扩展：电台或乐队会告诉您从哪里获取。",
            "将扩展与本机连接：<code>gomaa host install</code>。",
            "重新加载本页并按播放。",
        ),
        "have": "已安装 GoMAA 却仍看到此提示？",
        "chromium": (
            "Chromium 和 Chrome 默认不允许扩展读取磁盘上的文件：打开 <code>chrome://extensions</code>，"
            "在 GoMAA 处选择<b>详情</b>，"
            "开启<b>允许访问文件网址</b>，然后重新加载本页。"
        ),
        "firefox": (
            "Firefox 默认不允许扩展读取磁盘上的文件：打开 <code>about:addons</code>，选择 GoMAA，再选择<b>权限</b>，"
            "开启访问<b>本机文件</b>，然后重新加载本页。"
        ),
        "station": "或在电台收听。",
    },
}
