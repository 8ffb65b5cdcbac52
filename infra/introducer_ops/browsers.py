"""Agents of people: ordinary browsers, and the browsers inside apps, as they are met on partners' links.

The crawler table is filed so that these cost least, the demo world clicks with them, and a test holds that none of them
is ever taken for a machine.
"""

from __future__ import annotations

_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
_IOS = "AppleWebKit/605.1.15 (KHTML, like Gecko)"


def _chromium(system: str, tail: str) -> str:
    return f"Mozilla/5.0 ({system}) {_WEBKIT} {tail}"


def _apple(system: str, tail: str) -> str:
    return f"Mozilla/5.0 ({system}) {_IOS} {tail}"


_WINDOWS = "Windows NT 10.0; Win64; x64"
_MAC = "Macintosh; Intel Mac OS X 10_15_7"
_IPHONE = "iPhone; CPU iPhone OS 18_5 like Mac OS X"
_IPAD = "iPad; CPU OS 17_6 like Mac OS X"

DESKTOP: tuple[str, ...] = (
    _chromium(_WINDOWS, "Chrome/138.0.0.0 Safari/537.36"),
    _chromium(_WINDOWS, "Chrome/109.0.0.0 Safari/537.36"),
    _chromium("Windows NT 10.0; WOW64", "Chrome/131.0.0.0 Safari/537.36"),
    _chromium(_MAC, "Chrome/137.0.0.0 Safari/537.36"),
    _chromium("X11; Linux x86_64", "Chrome/136.0.0.0 Safari/537.36"),
    _chromium("X11; CrOS x86_64 14541.0.0", "Chrome/135.0.0.0 Safari/537.36"),
    _chromium(_WINDOWS, "Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0"),
    _chromium(_MAC, "Chrome/137.0.0.0 Safari/537.36 Edg/137.0.3296.68"),
    _chromium(_WINDOWS, "Chrome/136.0.0.0 Safari/537.36 OPR/120.0.0.0"),
    _chromium(_WINDOWS, "Chrome/134.0.0.0 Safari/537.36 OPR/119.0.0.0 (Edition Yx GX)"),
    _chromium(_WINDOWS, "Chrome/136.0.0.0 YaBrowser/25.6.0.0 Safari/537.36"),
    _chromium(_WINDOWS, "Chrome/136.0.0.0 Safari/537.36 Vivaldi/7.4.3684.50"),
    _chromium(_WINDOWS, "coc_coc_browser/138.0.148 Chrome/132.0.6834.148 Safari/537.36"),
    _chromium(_WINDOWS, "Chrome/122.0.0.0 Safari/537.36 SE 2.X MetaSr 1.0"),
    _chromium(_WINDOWS, "Chrome/116.0.5845.97 Safari/537.36 Core/1.116.586.400 QQBrowser/19.8.6883.400"),
    _chromium(_WINDOWS, "Chrome/94.0.4606.71 Safari/537.36 Avast/94.1.12470.72"),
    _chromium(_WINDOWS, "Whale/4.32.315.22 Chrome/136.0.0.0 Safari/537.36"),
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (Windows NT 6.1; Win64; x64; rv:115.0) Gecko/20100101 Firefox/115.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:139.0) Gecko/20100101 Firefox/139.0",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
    _apple(_MAC, "Version/18.5 Safari/605.1.15"),
    _apple(_MAC, "Version/16.6 Safari/605.1.15"),
)

MOBILE: tuple[str, ...] = (
    _chromium("Linux; Android 10; K", "Chrome/138.0.0.0 Mobile Safari/537.36"),
    _chromium("Linux; Android 14; Pixel 8 Pro", "Chrome/137.0.7151.115 Mobile Safari/537.36"),
    _chromium("Linux; Android 13; SM-A536B", "Chrome/130.0.6723.107 Mobile Safari/537.36"),
    _chromium("Linux; Android 12; CUBOT NOTE 30", "Chrome/126.0.6478.122 Mobile Safari/537.36"),
    _chromium("Linux; Android 11; Redmi Note 9 Pro", "Chrome/125.0.0.0 Mobile Safari/537.36"),
    _chromium("Linux; Android 10; K", "SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36"),
    _chromium(
        "Linux; Android 13; SAMSUNG SM-S911B",
        "SamsungBrowser/21.0 Chrome/110.0.5481.154 Mobile Safari/537.36",
    ),
    _chromium("Linux; Android 10; K", "Chrome/137.0.0.0 Mobile Safari/537.36 EdgA/137.0.0.0"),
    _chromium("Linux; Android 10; K", "Chrome/135.0.0.0 Mobile Safari/537.36 OPR/90.0.0.0"),
    _chromium(
        "Linux; U; Android 13; en-US; 22101316G Build/TP1A.220624.014",
        "Version/4.0 Chrome/123.0.6312.80 UCBrowser/13.9.5.1318 Mobile Safari/537.36",
    ),
    _chromium(
        "Linux; arm_64; Android 14; SM-S921B",
        "Chrome/136.0.7103.125 YaBrowser/25.6.1.125.00 SA/3 Mobile Safari/537.36",
    ),
    _chromium(
        "Linux; U; Android 12; ru-ru; M2101K6G Build/SKQ1.210908.001",
        "Version/4.0 Chrome/112.0.5615.136 Mobile Safari/537.36 XiaoMi/MiuiBrowser/14.9.0-gn",
    ),
    _chromium(
        "Linux; Android 12; HarmonyOS; NOH-AN00",
        "Chrome/114.0.5735.196 HuaweiBrowser/15.0.8.302 Mobile Safari/537.36",
    ),
    _chromium("Linux; Android 9; KFMAWI", "Silk/130.4.1 like Chrome/130.0.6723.102 Safari/537.36"),
    "Mozilla/5.0 (Android 14; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0",
    "Mozilla/5.0 (Android 13; Tablet; rv:139.0) Gecko/139.0 Firefox/139.0",
    "Opera/9.80 (Android; Opera Mini/36.2.2254/191.303; U; en) Presto/2.12.423 Version/12.16",
    _apple(_IPHONE, "Version/18.5 Mobile/15E148 Safari/604.1"),
    _apple("iPhone; CPU iPhone OS 16_7_10 like Mac OS X", "Version/16.6 Mobile/15E148 Safari/604.1"),
    _apple(_IPAD, "Version/17.6 Mobile/15E148 Safari/604.1"),
    _apple(_IPHONE, "CriOS/138.0.7204.33 Mobile/15E148 Safari/604.1"),
    _apple(_IPHONE, "FxiOS/140.0 Mobile/15E148 Safari/605.1.15"),
    _apple(_IPHONE, "Version/18.0 EdgiOS/137.0.3296.65 Mobile/15E148 Safari/604.1"),
    _apple(_IPHONE, "Version/17.0 YaBrowser/25.6.2.425.10 SA/3 Mobile/15E148 Safari/604.1"),
    _apple(_IPHONE, "Version/18.5 OPT/5.6.1 Mobile/15E148"),
    _apple(_IPHONE, "GSA/376.0.772164131 Mobile/15E148 Safari/604.1"),
    _apple(_IPHONE, "DuckDuckGo/7 Version/18.5 Mobile/15E148 Safari/605.1.15"),
)

_WEBVIEW = "Linux; Android 14; SM-A546B Build/UP1A.231005.007; wv"

IN_APP: tuple[str, ...] = (
    _apple(
        _IPHONE,
        "Mobile/15E148 Instagram 386.0.0.26.83 (iPhone15,2; iOS 18_5; en_GB; en-GB; scale=3.00; 1179x2556; 747381498)",
    ),
    _chromium(
        _WEBVIEW,
        "Version/4.0 Chrome/137.0.7151.115 Mobile Safari/537.36 Instagram 385.0.0.47.74 Android "
        "(34/14; 450dpi; 1080x2340; samsung; SM-A546B; a54x; s5e8835; th_TH; 745000001)",
    ),
    _apple(
        _IPHONE,
        "Mobile/15E148 [FBAN/FBIOS;FBAV/518.0.0.52.100;FBBV/752257486;FBDV/iPhone15,4;FBMD/iPhone;FBSN/iOS;FBSV/18.5;"
        "FBSS/3;FBCR/;FBID/phone;FBLC/pl_PL;FBOP/80]",
    ),
    _chromium(
        _WEBVIEW,
        "Version/4.0 Chrome/137.0.7151.89 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/517.0.0.51.98;IABMV/1;]",
    ),
    _chromium(
        _WEBVIEW,
        "Version/4.0 Chrome/136.0.7103.125 Mobile Safari/537.36 [FB_IAB/Orca-Android;FBAV/512.0.0.36.109;]",
    ),
    _apple(
        _IPHONE,
        "Mobile/15E148 musical_ly_39.8.0 BytedanceWebview/d8a21c6 JsSdk/2.0 NetType/WIFI Channel/App Store "
        "ByteLocale/ar Region/AE isDarkMode/1 RevealType/Dialog",
    ),
    _chromium(
        _WEBVIEW,
        "Version/4.0 Chrome/137.0.7151.61 Mobile Safari/537.36 trill_390803 JsSdk/1.0 NetType/4G Channel/googleplay "
        "AppName/trill app_version/39.8.3 ByteLocale/th BytedanceWebview/d8a21c6",
    ),
    _apple(_IPHONE, "Mobile/15E148 Safari Line/15.9.0"),
    _chromium(_WEBVIEW, "Version/4.0 Chrome/136.0.7103.60 Mobile Safari/537.36 Line/15.8.1/IAB"),
    _chromium(
        "Linux; Android 13; 2201117TG Build/TKQ1.221114.001; wv",
        "Version/4.0 Chrome/130.0.6723.103 Mobile Safari/537.36 XWEB/1300259 MMWEBSDK/20240404 MMWEBID/5437 "
        "MicroMessenger/8.0.49.2600(0x28003137) WeChat/arm64 Weixin NetType/WIFI Language/en ABI/arm64",
    ),
    _apple(_IPHONE, "Mobile/15E148 MicroMessenger/8.0.60(0x18003c2f) NetType/WIFI Language/en"),
    _apple(_IPHONE, "Mobile/15E148 Snapchat/13.45.0.48 (like Safari/8621.2.5.10.10, panda)"),
    _chromium(_WEBVIEW, "Version/4.0 Chrome/137.0.7151.72 Mobile Safari/537.36 [Pinterest/Android]"),
    _apple(_IPHONE, "Mobile/15E148 [Pinterest/iOS]"),
    _apple(_IPHONE, "Mobile/15E148 Twitter for iPhone/11.3"),
    _chromium(_WEBVIEW, "Version/4.0 Chrome/137.0.7151.61 Mobile Safari/537.36 TwitterAndroid"),
    _apple(_IPHONE, "Mobile/15E148 [LinkedInApp]/9.31.1197"),
    _chromium(
        "Linux; Android 14; Pixel 7a Build/AP2A.240805.005; wv",
        "Version/4.0 Chrome/137.0.7151.72 Mobile Safari/537.36 Telegram-Android/11.12.0 "
        "(Google Pixel 7a; Android 14; SDK 34; HIGH)",
    ),
    _apple(_IPHONE, "Mobile/15E148 KAKAOTALK/25.5.2 (INAPP)"),
    _chromium(_WEBVIEW, "Version/4.0 Chrome/136.0.7103.125 Mobile Safari/537.36 VKAndroidApp/8.130-24410"),
    _chromium(_WEBVIEW, "Version/4.0 Chrome/137.0.7151.61 Mobile Safari/537.36 GSA/16.23.49.ve.arm64"),
    _chromium(
        _WEBVIEW,
        "Version/4.0 Chrome/134.0.6998.135 Mobile Safari/537.36 Zalo android/25060203 ZaloTheme/light ZaloLanguage/en",
    ),
    _apple(
        "iPad; CPU OS 18_4 like Mac OS X",
        "Mobile/15E148 [FBAN/MessengerForiOS;FBAV/509.0.0.41.107;FBDV/iPad13,18;FBLC/en_GB]",
    ),
)

BROWSERS: tuple[str, ...] = DESKTOP + MOBILE + IN_APP
