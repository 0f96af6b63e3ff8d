"""How Django draws forms here: `{{ form }}` is the error summary and all fields, `{{ form.x.as_field_group }}` one field."""

from django.forms.renderers import TemplatesSetting


class OurForms(TemplatesSetting):
    """Our templates of a form and of a field; the inputs themselves are Django's."""

    form_template_name = "layout/form.html"
    field_template_name = "layout/field.html"
