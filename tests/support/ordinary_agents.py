"""A thousand ordinary agents: browsers' versions, on people's devices, and the browsers inside the apps they use.

Shapes as browsers and apps send them, put together so that versions and devices vary.
"""

from __future__ import annotations

from itertools import product

_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko)"
_APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"

_VERSIONS = (
    "149.0.0.0",
    "147.0.0.0",
    "146.0.7680.174",
    "142.0.7444.142",
    "133.0.6943.137",
    "120.0.0.0",
    "99.0.4844.88",
)
_SYSTEMS = (
    "Windows NT 10.0; Win64; x64",
    "Windows NT 6.1; WOW64",
    "Macintosh; Intel Mac OS X 10_15_7",
    "X11; Linux x86_64",
    "X11; CrOS x86_64 16181.61.0",
    "X11; Ubuntu; Linux x86_64",
)
_TELEPHONES = (
    ("10; K", ""),
    ("16; Pixel 10 Pro XL", "CP1A.260305.018"),
    ("15; CPH2557", "AP3A.240617.008"),
    ("15; RMX3830", "AP3A.240617.008"),
    ("15; V2318", "AP3A.240905.015.A2"),
    ("14; SM-S921B", "UP1A.231005.007"),
    ("14; 23090RA98G", "UP1A.230905.011"),
    ("14; Infinix X6833B", "UP1A.231005.007"),
    ("13; TECNO KI5q", "TP1A.220624.014"),
    ("13; moto g54 5G", "T1TDS33.95-47-12"),
    ("12; CUBOT NOTE 30", "SP1A.210812.016"),
    ("11; SM-A105F", "RP1A.200720.012"),
    ("10; ELE-L29", "HUAWEIELE-L29"),
    ("8.1.0; vivo 1820", "O11019"),
)
_BUILDS = {
    "26_3": "23D127",
    "18_6_2": "22G100",
    "18_5": "22F76",
    "17_7_2": "21H221",
    "16_7_10": "20H350",
    "15_8_4": "19H390",
}

_ANDROID_APPS = (
    "Instagram 419.0.0.27.74 Android (35/15; 480dpi; 1080x2400; OPPO; CPH2557; OP573DL1; mt6833; th_TH; 895010607; "
    "IABMV/1)",
    "Instagram 385.0.0.47.74 Android (34/14; 450dpi; 1080x2340; samsung; SM-A546B; a54x; s5e8835; ru_RU; 745000001)",
    "[FB_IAB/FB4A;FBAV/512.0.0.52.99;IABMV/1;]",
    "[FB_IAB/Orca-Android;FBAV/512.0.0.36.109;]",
    "MetaIAB Facebook",
    "MetaIAB Instagram",
    "Barcelona 384.0.0.52.107 Android (35/15; 420dpi; 1080x2214; Google/google; Pixel 8; shiba; shiba; en_GB; 74200)",
    "trill_400203 JsSdk/1.0 NetType/WIFI Channel/googleplay AppName/trill app_version/40.2.3 ByteLocale/vi "
    "ByteFullLocale/vi Region/VN Spark/1.7.0.1-bugfix AppVersion/40.2.3 BytedanceWebview/d8a21c6",
    "musical_ly_2023902030 JsSdk/1.0 NetType/4G Channel/googleplay AppName/musical_ly app_version/39.2.3 "
    "ByteLocale/es ByteFullLocale/es Region/MX AppVersion/39.2.3 BytedanceWebview/d8a21c6",
    "Line/15.8.1/IAB",
    "Zalo android/25060203 ZaloTheme/light ZaloLanguage/vi",
    "MicroMessenger/8.0.60.2860(0x28003C55) WeChat/arm64 Weixin NetType/WIFI Language/en ABI/arm64",
    "[Pinterest/Android]",
    "[LinkedInApp]/4.1.1085",
    "TwitterAndroid",
    "Telegram-Android/11.12.0 (Xiaomi 23090RA98G; Android 14; SDK 34; HIGH)",
    "Snapchat/13.45.0.42 (SM-S921B; Android 14#S921BXXS4AXK6#34; gzip; )",
    "VKAndroidApp/8.130-24410",
    "KAKAOTALK/25.5.2 (INAPP)",
    "NAVER(inapp; search; 2000; 12.11.5)",
    "GSA/16.22.34.29.arm64",
    "Viber/27.7.0.0",
    "WhatsApp/2.25.18.80",
    "Reddit/Version 2025.22.0/Build 2522020/Android 14",
    "Shopee/3.53.21 appId/com.shopee.th",
    "Grab/5.358.0 (Android 14)",
    "DuckDuckGo/5",
    "OculusBrowser/38.2.0",
)
_IPHONE_APPS = (
    "Instagram 419.0.0.27.74 (iPhone17,2; iOS 26_3; en_US; en; scale=3.00; 1320x2868; IABMV/1; 895010607) Safari/604.1",
    "[FBAN/FBIOS;FBAV/513.0.0.44.90;FBBV/742421340;FBDV/iPhone15,3;FBMD/iPhone;FBSN/iOS;FBSV/18.5;FBSS/3;FBCR/;FBID/phone;"
    "FBLC/ar_AR;FBOP/80]",
    "[FBAN/MessengerForiOS;FBAV/512.0.0.34.108;FBBV/1;FBDV/iPhone14,5;FBMD/iPhone;FBSN/iOS;FBSV/18.5;FBLC/pl_PL;FBOP/5]",
    "Safari/604.1 MetaIAB Facebook",
    "Barcelona 388.0.0.21.110 (iPhone15,2; iOS 18_5; en_GB; en; scale=3.00; 1179x2556; 751234567)",
    "musical_ly_40.3.0 JsSdk/2.0 NetType/WIFI Channel/App Store ByteLocale/en Region/GB isDarkMode/1 WKWebView/1 "
    "RevealType/Dialog BytedanceWebview/d8a21c6",
    "Safari Line/15.8.1",
    "Zalo iOS/634 ZaloTheme/light ZaloLanguage/vn",
    "MicroMessenger/8.0.60(0x18003c2f) NetType/4G Language/zh_CN",
    "[Pinterest/iOS]",
    "[LinkedInApp]/9.31.1090",
    "Twitter for iPhone/11.5",
    "Snapchat/13.45.0.48 (like Safari/8620.2.4.10.8, panda)",
    "GSA/375.0.770012300 Safari/604.1",
    "KAKAOTALK 25.5.2",
    "NAVER(inapp; search; 2000; 12.11.5; 15PROMAX)",
    "DuckDuckGo/7 Safari/605.1.15",
    "Reddit/Version 2025.22.0/Build 2522/iOS Version 18.5 (Build 22F76)",
    "Teams/7.11.1",
    "Viber/27.5",
    "WhatsApp/23.20.79",
    "Slack/25.06.20",
)
_IPHONE_BROWSERS = (
    "Version/{version} Mobile/15E148 Safari/604.1",
    "CriOS/147.0.7600.50 Mobile/15E148 Safari/604.1",
    "FxiOS/148.0 Mobile/15E148 Safari/605.1.15",
    "EdgiOS/146.0.3856.77 Version/{version} Mobile/15E148 Safari/604.1",
    "OPT/5.5.1 Mobile/15E148",
    "Version/{version} YaBrowser/26.2.1.500.10 SA/3 Mobile/15E148 Safari/604.1",
    "Version/{version} Mobile/15E148 DuckDuckGo/7 Safari/605.1.15",
    "Mobile/15E148 UCBrowser/15.6.0.2600 Mobile AliApp(TUnionSDK/0.1.20.3)",
)
_ANDROID_BROWSERS = (
    "Chrome/{chrome} Mobile Safari/537.36",
    "SamsungBrowser/29.0 Chrome/{chrome} Mobile Safari/537.36",
    "Chrome/{chrome} Mobile Safari/537.36 EdgA/{chrome}",
    "Chrome/{chrome} Mobile Safari/537.36 OPR/94.0.0.0",
    "Version/4.0 Chrome/{chrome} Mobile Safari/537.36 XiaoMi/MiuiBrowser/14.42.0-gn",
    "Chrome/{chrome} YaBrowser/26.2.1.98.00 SA/3 Mobile Safari/537.36",
    "Version/4.0 Chrome/{chrome} Mobile Safari/537.36 VivoBrowser/15.1.2.0",
    "Chrome/{chrome} HuaweiBrowser/15.0.4.312 Mobile Safari/537.36",
    "Version/4.0 Chrome/{chrome} Mobile Safari/537.36 HeyTapBrowser/45.11.4.1",
    "Version/4.0 Chrome/{chrome} Mobile Safari/537.36 PHX/19.5",
    "UCBrowser/13.4.0.1306 Mobile Safari/537.36",
)
_DESKTOP_BROWSERS = (
    "Chrome/{chrome} Safari/537.36",
    "Chrome/{chrome} Safari/537.36 Edg/{chrome}",
    "Chrome/{chrome} Safari/537.36 OPR/128.0.0.0",
    "Chrome/{chrome} YaBrowser/26.2.0.0 Safari/537.36",
    "Chrome/{chrome} Safari/537.36 Vivaldi/7.8.3931.63",
    "Chrome/{chrome} Safari/537.36 Avast/142.0.0.0",
    "Chrome/{chrome} Safari/537.36 CCleaner/142.0.0.0",
    "Chrome/{chrome} Safari/537.36 Whale/4.35.351.12",
    "Chrome/{chrome} Safari/537.36 Teams/25.122.1413.3840 Edg/{chrome}",
)


def ordinary_agents() -> list[str]:
    """Each once, always the same and in the same order."""
    found = [
        f"Mozilla/5.0 ({system}) {_CHROME} {tail.format(chrome=chrome)}"
        for system, tail, chrome in product(_SYSTEMS, _DESKTOP_BROWSERS, _VERSIONS)
    ]
    found += [
        f"Mozilla/5.0 (Linux; Android {device}) {_CHROME} {tail.format(chrome=chrome)}"
        for (device, _), tail, chrome in product(_TELEPHONES, _ANDROID_BROWSERS, _VERSIONS[::3])
    ]
    found += [
        f"Mozilla/5.0 (Linux; Android {device} Build/{build}; wv) {_CHROME} "
        f"Version/4.0 Chrome/{chrome} Mobile Safari/537.36 {app}"
        for ((device, build), app), chrome in zip(
            product(_TELEPHONES[1:], _ANDROID_APPS), _VERSIONS * len(_TELEPHONES) * len(_ANDROID_APPS), strict=False
        )
    ]
    for system, build in _BUILDS.items():
        version = ".".join(system.split("_")[:2])
        for device in (f"iPhone; CPU iPhone OS {system} like Mac OS X", f"iPad; CPU OS {system} like Mac OS X"):
            found += [f"Mozilla/5.0 ({device}) {_APPLE} {tail.format(version=version)}" for tail in _IPHONE_BROWSERS]
        found += [
            f"Mozilla/5.0 (iPhone; CPU iPhone OS {system} like Mac OS X) {_APPLE} Mobile/{build} {app}"
            for app in _IPHONE_APPS
        ]
        found.append(f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_APPLE} Version/{version} Safari/605.1.15")
    for version, system in product(
        (149, 148, 140, 128, 115), ("Windows NT 10.0; Win64; x64", "X11; Linux x86_64", "Android 14; Mobile")
    ):
        tail = f"Gecko/{version}.0" if system.startswith("Android") else "Gecko/20100101"
        found.append(f"Mozilla/5.0 ({system}; rv:{version}.0) {tail} Firefox/{version}.0")
    return list(dict.fromkeys(found))
