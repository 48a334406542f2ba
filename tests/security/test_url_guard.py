"""Server-side request forgery: nothing that a user names makes Clipwise talk to a network that is not public."""

from __future__ import annotations

import pytest

from shared.errors import PermanentError
from shared.security.url_guard import check_url, public_addresses
from shared.settings import Settings, SettingsError, read_settings

PUBLIC = "93.184.215.14"
OPEN = Settings()

NOT_ALLOWED = [
    # Other schemes.
    "file:///etc/passwd",
    "ftp://example.com/video.mp4",
    "gopher://example.com:70/_x",
    "data:video/mp4;base64,AAAA",
    "javascript:alert(1)",
    "concat:http://example.com/a|http://example.com/b",
    "rtmp://example.com/live",
    "hls+http://example.com/a.m3u8",
    "unix:/var/run/docker.sock",
    # This machine and its network, by name.
    "http://localhost/",
    "http://LOCALHOST:8080/",
    "http://localhost./",
    "http://files.localhost/",
    "http://printer/",
    "http://nas.local/video.mp4",
    "http://router.home.arpa/",
    "http://nas.lan/video.mp4",
    "http://wiki.corp/",
    "http://wiki.intranet/",
    "http://db.private/",
    "http://router.home/",
    "http://host.localdomain/",
    "http://api.default.svc/",
    "http://api.default.svc.cluster.local/",
    "http://kubernetes.default.svc./",
    "https://localhost.example.com/",
    "http://localhost.localdomain/",
    "http://metadata/computeMetadata/v1/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://metadata.google.internal./computeMetadata/v1/",
    "http://METADATA.google.Internal/",
    "http://ip-10-0-0-1.ec2.internal/",
    # IPv4 that is not public.
    "http://127.0.0.1/",
    "http://127.255.255.254:8080/",
    "http://127.0.0.1./",
    "http://0.0.0.0/",
    "http://10.0.0.1/",
    "http://100.64.0.1/",
    "http://100.100.100.200/latest/meta-data/",
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.170.2/v2/credentials",
    "http://168.63.129.16/machine",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.0.0.192/opc/v2/",
    "http://192.0.2.1/",
    "http://192.168.1.1/",
    "http://198.18.0.1/",
    "http://198.51.100.7/",
    "http://203.0.113.7/",
    "http://224.0.0.1/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    # Odd spellings of IPv4.
    "http://0/",
    "http://127.1/",
    "http://127.0.1/",
    "http://2130706433/",
    "http://017700000001/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0177.0.0.1/",
    "http://127.0.0.01/",
    "http://0x/",
    "http://134744072/",
    "http://1.2.3.4.5/",
    "http://example.com.1/",
    "http://１２７.０.０.１/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://ⓛocalhost/",
    # IPv6 that is not public, and IPv4 in it.
    "http://[::]/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]:8080/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::ffff:0:127.0.0.1]/",
    "http://[::127.0.0.1]/",
    "http://[::ffff:8.8.8.8]/",
    "http://[64:ff9b::127.0.0.1]/",
    "http://[64:ff9b::8.8.8.8]/",
    "http://[64:ff9b:1::a9fe:a9fe]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:7f00:1::]/",
    "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/",
    "http://[2001:470:1f0b::5efe:10.0.0.1]/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://[fc00::1]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://[100::1]/",
    "http://[2001:db8::1]/",
    "http://[3fff::1]/",
    "http://[5f00::1]/",
    # Names and passwords, also where they pretend to be the host.
    "http://user@example.com/",
    "http://user:secret@example.com/",
    "http://example.com@127.0.0.1/",
    "http://example.com:80@127.0.0.1/",
    "http://127.0.0.1\\@example.com/",
    "http://@example.com/",
    # Ports where something else listens.
    "http://example.com:22/",
    "http://example.com:25/",
    "http://example.com:445/",
    "http://example.com:6000/",
    "http://example.com:6667/",
    "https://example.com:2049/",
]

INVALID = [
    "",
    "   ",
    "video.mp4",
    "example.com/video.mp4",
    "example.com:8080/video.mp4",
    "//example.com/video.mp4",
    "http:",
    "http:/example.com/",
    "http:example.com",
    "http:///video.mp4",
    "http://?x",
    "http://:80/",
    "http://example.com:http/",
    "http://example.com:0/",
    "http://example.com:65536/",
    "http://example.com:-1/",
    "http://example.com:80:80/",
    "http://example.com:８０/",
    "http://exa mple.com/",
    "http://example.com\\.evil.com/",
    "http://exam%70le.com/",
    "http://%31%32%37.0.0.1/",
    "http://127.0.0.1%00.example.com/",
    "http://example..com/",
    "http://example.com../",
    "http://.example.com/",
    "http://-example-.com/",
    "http://[::1/",
    "http://::1/",
    "http://[]/",
    "http://[v1.x]/",
    "http://[1.2.3.4]/",
    "http://[::1]x/",
    "http://a[::1]/",
    "http://example.com/\x00",
    "http://example.com/\r\nX-Injected: 1",
    "http://exam\tple.com/",
    "http://example.com/\ud800",
    "http://xn--\u2764.ws/",
    f"http://{'a' * 64}.com/",
    f"http://{'a.' * 127}com/",
    f"http://{'ä' * 300}.com/",
    "http://example.com/" + "a" * 9000,
]

ALLOWED = {
    "http://example.com": ("example.com", 80, "/"),
    "  https://Example.COM./a?b#c\n": ("example.com", 443, "/a?b"),
    "https://example.com:8443/v.mp4": ("example.com", 8443, "/v.mp4"),
    "http://example.com:/": ("example.com", 80, "/"),
    "http://example.com:9000/": ("example.com", 9000, "/"),
    "https://münchen.example.com/ä b?q=ü": ("xn--mnchen-3ya.example.com", 443, "/%C3%A4%20b?q=%C3%BC"),
    "http://93.184.215.14/": (PUBLIC, 80, "/"),
    "http://[2606:4700:4700:0::1111]/": ("2606:4700:4700::1111", 80, "/"),
    "https://a_b.example.com/%2F%zz": ("a_b.example.com", 443, "/%2F%25zz"),
    "https://example.com/#@127.0.0.1": ("example.com", 443, "/"),
    "https://example.com/@127.0.0.1:80/": ("example.com", 443, "/@127.0.0.1:80/"),
    "https://local.example.com/": ("local.example.com", 443, "/"),
    "https://svc.example.com/": ("svc.example.com", 443, "/"),
    "https://notlan.example/": ("notlan.example", 443, "/"),
    "https://example.com?http://127.0.0.1": ("example.com", 443, "/?http://127.0.0.1"),
}


def refusal(url: str, settings: Settings = OPEN) -> str:
    with pytest.raises(PermanentError) as caught:
        check_url(url, settings)
    return caught.value.code


@pytest.mark.parametrize("url", NOT_ALLOWED)
def test_refuses_what_is_not_public_http(url: str) -> None:
    """A link to anything but a public web server is refused at once, without a look-up."""
    assert refusal(url) == "url_not_allowed"


@pytest.mark.parametrize("url", INVALID)
def test_refuses_what_is_no_link(url: str) -> None:
    """A text that is no well-formed link is called that, and never guessed at."""
    assert refusal(url) == "url_invalid"


@pytest.mark.parametrize("url", ALLOWED)
def test_takes_public_links(url: str) -> None:
    """An ordinary link passes, and its host, port and target are what a browser would ask for."""
    parsed = check_url(url, OPEN)
    assert (parsed.host, parsed.port, parsed.target) == ALLOWED[url]


def test_named_hosts_are_let_through() -> None:
    """An operator can open single hosts and ports of the own network, and only these."""
    settings = Settings(allow_hosts="127.0.0.1:8080, NAS:445 ,[::1]:9000")
    assert check_url("http://127.0.0.1:8080/", settings).port == 8080
    assert check_url("http://nas:445/", settings).host == "nas"
    assert check_url("http://[0::1]:9000/", settings).host == "::1"
    assert public_addresses("nas", 445, settings, lambda host, port: ["10.0.0.1"]) == ["10.0.0.1"]
    for url in ("http://127.0.0.1:8081/", "http://127.0.0.2:8080/", "http://nas/", "http://[::1]:9001/"):
        assert refusal(url, settings) == "url_not_allowed"


@pytest.mark.parametrize("value", ["nas", "nas:", "http://nas:80", "::1", "nas:port", "a b:80"])
def test_a_wrong_allow_list_names_its_key(value: str) -> None:
    """An operator who mistypes ALLOW_HOSTS is told at the start which setting it is."""
    with pytest.raises(SettingsError, match="ALLOW_HOSTS"):
        read_settings({"ALLOW_HOSTS": value})
