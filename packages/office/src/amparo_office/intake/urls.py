"""The addresses of imports and exports."""

from django.urls import path

from amparo_office.intake import views, views_areas, views_out, views_update

urlpatterns = [
    path("imports/", views.import_list, name="imports"),
    path("imports/new", views.import_new, name="import-new"),
    path("imports/<int:number>", views.import_page, name="import"),
    path("imports/<int:number>/before", views.import_before, name="import-before"),
    path("imports/<int:number>/columns", views.import_mapping, name="import-mapping"),
    path("imports/<int:number>/check", views.import_check_again, name="import-check-again"),
    path("imports/<int:number>/take-in", views.import_take_in, name="import-take-in"),
    path("imports/<int:number>/give-up", views.import_cancel, name="import-cancel"),
    path("imports/<int:number>/to-correct", views.import_refused, name="import-refused"),
    path("imports/of-job/<uuid:job_id>", views.import_of_job, name="import-of-job"),
    path("imports/templates", views_out.templates, name="templates"),
    path("imports/template.xlsx", views_out.template_book, name="template-book"),
    path("imports/form.xlsx", views_out.collect_form, name="collect-form"),
    path("imports/form-check", views_out.form_check, name="form-check"),
    path("updates/", views_update.update_list, name="updates"),
    path("updates/new", views_update.update_new, name="update-new"),
    path("updates/<int:number>", views_update.update_page, name="update"),
    path("updates/<int:number>/change", views_update.update_start, name="update-start"),
    path("updates/<int:number>/check", views_update.update_check_again, name="update-check-again"),
    path("updates/<int:number>/give-up", views_update.update_cancel, name="update-cancel"),
    path("updates/<int:number>/to-correct", views_update.update_refused, name="update-refused"),
    path("updates/of-job/<uuid:job_id>", views_update.update_of_job, name="update-of-job"),
    path("areas/", views_areas.areas, name="areas"),
    path("exports/", views_out.export_list, name="exports"),
    path("exports/new", views_out.export_new, name="export-new"),
    path("exports/<int:number>", views_out.export_page, name="export"),
    path("exports/<int:number>/file", views_out.export_file, name="export-file"),
    path("exports/of-job/<uuid:job_id>", views_out.export_of_job, name="export-of-job"),
]
