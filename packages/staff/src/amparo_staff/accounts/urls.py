"""The addresses of accounts. None holds a name: members stand in them by their id."""

from django.urls import path

from amparo_staff.accounts import views, views_members, views_own

urlpatterns = [
    path("sign-in", views.sign_in, name="sign-in"),
    path("sign-in/second", views.sign_in_second, name="sign-in-second"),
    path("sign-in/passkey", views.sign_in_passkey, name="sign-in-passkey"),
    path("sign-out", views.sign_out, name="sign-out"),
    path("choose-password", views.choose_password, name="choose-password"),
    path("first-administrator", views.first_administrator, name="first-administrator"),
    path("account", views_own.my_account, name="my-account"),
    path("account/password", views_own.change_password, name="change-password"),
    path("account/sessions/end", views_own.end_sessions, name="end-sessions"),
    path("account/passkeys", views_own.passkeys_page, name="passkeys"),
    path("account/passkeys/<int:number>/remove", views_own.remove_passkey, name="remove-passkey"),
    path("account/codes", views_own.new_codes, name="new-codes"),
    path("roles", views_members.roles, name="roles"),
    path("members", views_members.members, name="members"),
    path("members/add", views_members.add_member, name="add-member"),
    path("members/<uuid:member_id>", views_members.member, name="member"),
    path("members/<uuid:member_id>/roles", views_members.member_roles, name="member-roles"),
    path("members/<uuid:member_id>/invite", views_members.invite_again, name="member-invite"),
    path("members/<uuid:member_id>/disable", views_members.disable, name="member-disable"),
    path("members/<uuid:member_id>/enable", views_members.enable, name="member-enable"),
    path("members/<uuid:member_id>/recover", views_members.recover, name="member-recover"),
    path("recovery/<uuid:approval_id>", views_members.recovery_code, name="recovery-code"),
]
