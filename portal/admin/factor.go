package admin

import (
	"context"

	"entree/internal/audit"
	"entree/internal/helpdesk"
	"entree/portal/web"
)

// askFactor asks to remove the lost second factors of a person's account.
func (a *Console) askFactor(v *visit, form web.Form) error {
	return a.decideFactor(v, form, a.Desk.AskFactor, "console.person.factor.asked")
}

// agreeFactor agrees to a removal that another operator asked for.
func (a *Console) agreeFactor(v *visit, form web.Form) error {
	return a.decideFactor(v, form, a.Desk.AgreeFactor, "console.person.factor.agreed")
}

// cancelFactor ends a removal that is to come.
func (a *Console) cancelFactor(v *visit, form web.Form) error {
	return a.decideFactor(v, form, a.Desk.CancelFactor, "console.person.factor.cancelled")
}

func (a *Console) decideFactor(v *visit, form web.Form, act func(context.Context, audit.Entry, helpdesk.Seen, string) error, key string) error {
	s, _ := seen(v, form)
	return a.acted(v, form, act(v.Request.Context(), v.entry("", "", nil), s, form["motif"]), "facteur", "facteur-motif", key)
}
