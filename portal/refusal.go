package portal

import (
	"errors"
	"html/template"
	"net/http"

	"github.com/gin-gonic/gin"

	"entree/internal/domain"
	"entree/portal/web"
)

// refusedAt maps a reason to its form field. Other reasons belong to the page's main
// field.
var refusedAt = map[domain.Reason]string{
	domain.ReasonProfileMissing:  "profil",
	domain.ReasonPasswordConfirm: "confirmation",
}

// refusedAs maps a reason to the HTTP status of the page that is shown again. Other
// reasons have 422.
var refusedAs = map[domain.Reason]int{
	domain.ReasonTooManyRequests: http.StatusTooManyRequests,
	domain.ReasonChangesSpent:    http.StatusTooManyRequests,
	domain.ReasonResendTooSoon:   http.StatusTooManyRequests,
	domain.ReasonSMSSpent:        http.StatusTooManyRequests,
	domain.ReasonMailsSpent:      http.StatusTooManyRequests,
	domain.ReasonProofBlocked:    http.StatusTooManyRequests,
	domain.ReasonProofStopped:    http.StatusTooManyRequests,
	domain.ReasonCodeBlocked:     http.StatusTooManyRequests,
	domain.ReasonPasswordBusy:    http.StatusTooManyRequests,
	domain.ReasonBusy:            http.StatusServiceUnavailable,
	domain.ReasonElsewhere:       http.StatusConflict,
	domain.ReasonCodeUsed:        http.StatusConflict,
	domain.ReasonCharterChanged:  http.StatusConflict,
}

// refusal returns the refusal in an error, and whether there is one.
func refusal(err error) (*domain.Refusal, bool) {
	var r *domain.Refusal
	return r, errors.As(err, &r)
}

// answer draws a page, with the reasons of r if r is not nil.
func (p *Portal) answer(c *gin.Context, page string, view web.View, r *domain.Refusal, field string) error {
	if r == nil {
		return p.site.Render(c, http.StatusOK, page, view)
	}
	if at, ok := refusedAt[r.Reason]; ok {
		field = at
	}
	say := func(key string, args ...any) {
		view.Errors = append(view.Errors, web.FieldError{Field: field, Message: view.T(key, args...)})
	}
	for _, sentence := range wordsOfFindings(view, r.Findings) {
		view.Errors = append(view.Errors, web.FieldError{Field: field, Message: sentence})
	}
	if len(r.Findings) == 0 {
		say("refused."+string(r.Reason), "Count", r.TriesLeft, "Wait", p.site.Wait(view, r.Retry))
	}
	p.site.RetryAfter(c, r.Retry)
	status, ok := refusedAs[r.Reason]
	if !ok {
		status = http.StatusUnprocessableEntity
	}
	return p.site.Render(c, status, page, view)
}

// wordsOfFindings returns a sentence for each rule that a password breaks.
func wordsOfFindings(view web.View, findings []domain.Finding) []template.HTML {
	said := []template.HTML{}
	for _, f := range findings {
		if f.Rule == "personal" {
			said = append(said, view.T("finding.personal."+f.What))
		} else {
			said = append(said, view.T("finding."+f.Rule, "Count", f.Count))
		}
	}
	return said
}
