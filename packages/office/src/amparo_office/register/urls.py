"""The addresses of the register. They hold codes, references and filters, never a name or a number of somebody."""

from django.urls import path

from amparo_office.register import (
    views_bulk,
    views_catalogue,
    views_change,
    views_erase,
    views_list,
    views_new,
    views_panic,
    views_record,
    views_search,
)

urlpatterns = [
    path("", views_list.register_list, name="register-list"),
    path("counts/", views_list.counts, name="register-counts"),
    path("search/", views_search.register_search, name="register-search"),
    path("bulk/", views_bulk.bulk, name="register-bulk"),
    path("new/", views_new.new_household, name="register-new"),
    path("new/stop/", views_new.new_stop, name="register-new-stop"),
    path("new/finish/", views_new.new_finish, name="register-new-finish"),
    path("new/member/<int:number>/", views_new.new_member_deed, name="register-new-member"),
    path("new/done/<slug:ref>/", views_new.new_done, name="register-new-done"),
    path("new/<slug:slug>/", views_new.new_step, name="register-new-step"),
    path("households/<slug:ref>/", views_record.household, name="register-household"),
    path("households/<slug:ref>/change/<slug:what>/", views_change.change_household, name="register-household-change"),
    path("people/<slug:ref>/", views_record.person, name="register-person"),
    path("people/<slug:ref>/change/<slug:what>/", views_change.change_person, name="register-person-change"),
    path("people/<slug:ref>/file/", views_erase.hand_over, name="register-person-file"),
    path("people/<slug:ref>/erase/", views_erase.erase_person, name="register-person-erase"),
    path("households/<slug:ref>/erase/", views_erase.erase_household, name="register-household-erase"),
    path("erased/<uuid:approval>/", views_erase.erased, name="register-erased"),
    path("catalogue/", views_catalogue.facts, name="register-catalogue"),
    path("catalogue/propose/", views_catalogue.propose, name="register-catalogue-propose"),
    path("data/", views_catalogue.dictionary, name="register-dictionary"),
    path("panic/", views_panic.panic, name="register-panic"),
]
