"""How Debian's Chromium is started for tests and measurements."""

# A new window would load the browser's own address bar, some 170 files, beside our first page.
_OWN_BAR = ("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup")
# The last --disable-features counts alone: what Playwright itself leaves out and could disturb a test.
_AS_PLAYWRIGHT = (
    "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades", "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay", "MediaRouter", "PaintHolding", "ThirdPartyStoragePartitioning", "AvoidCorsURLLoaderRestartOnRedirect",
    "OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled", "PreconnectToSearch",
)  # fmt: skip

# As root there is no sandbox, and a build machine has neither a graphics card nor much shared memory.
SWITCHES = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--disable-features={','.join(_OWN_BAR + _AS_PLAYWRIGHT)}",
]  # fmt: skip
