"""Accounts over HTTP (contract.md §3)."""

from server.core.operation import ANYONE, EVERYONE, Operation
from server.identity import commands
from server.identity.accounts import Accounts
from server.identity.consents import Consents
from server.identity.logins import Logins
from server.identity.sign_in import SignIn
from server.identity.sms_codes import SmsCodes
from server.identity.wechat_sign_in import WeChatSignIn


def identity_operations(
    *,
    accounts: Accounts,
    codes: SmsCodes,
    sign_in: SignIn,
    wechat: WeChatSignIn,
    logins: Logins,
    consents: Consents,
) -> list[Operation]:
    return [
        Operation(
            "POST",
            "/api/user/sms_code",
            commands.RequestSmsCode,
            codes.request,
            ANYONE,
            "发送短信验证码",
            keyed="never",
        ),
        Operation(
            "POST",
            "/api/user/register",
            commands.RegisterUser,
            accounts.register,
            ANYONE,
            "注册患者或陪护人员账号",
            status=201,
            keyed="never",
            refusals=("sms_code_wrong", "phone_taken"),
        ),
        Operation(
            "POST",
            "/api/user/login",
            commands.LogIn,
            sign_in.log_in,
            ANYONE,
            "登录：手机号加密码、手机号加验证码或微信授权码",
            keyed="never",
            refusals=("login_failed", "wechat_unbound", "forbidden", "too_many_attempts"),
        ),
        Operation(
            "POST",
            "/api/user/wechat_begin",
            commands.BeginWeChat,
            wechat.begin,
            ANYONE,
            "在微信内的网页开始公众号登录",
            keyed="never",
        ),
        Operation(
            "POST",
            "/api/user/wechat_bind",
            commands.BindWeChat,
            wechat.bind,
            ANYONE,
            "把微信绑定到已有账号并登录",
            keyed="never",
            refusals=("sms_code_wrong", "login_failed", "wrong_state"),
        ),
        Operation(
            "POST",
            "/api/user/refresh",
            commands.RefreshLogin,
            logins.refresh,
            ANYONE,
            "换取新的令牌",
            keyed="never",
            refusals=("unauthorized", "refresh_reused"),
        ),
        Operation(
            "POST",
            "/api/user/reset_password",
            commands.ResetPassword,
            accounts.reset_password,
            ANYONE,
            "凭短信验证码重置密码，所有登录随即失效",
            keyed="never",
            refusals=("sms_code_wrong",),
        ),
        Operation(
            "POST", "/api/user/logout", commands.LogOut, logins.log_out, EVERYONE, "退出登录", keyed="never"
        ),
        Operation("GET", "/api/user/me", commands.ReadMe, accounts.me, EVERYONE, "当前账号"),
        Operation(
            "POST",
            "/api/user/consent",
            commands.AnswerConsent,
            consents.answer,
            EVERYONE,
            "同意或撤回使用行为统计",
            keyed="never",
        ),
    ]
