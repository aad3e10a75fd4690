package mail_test

import (
	"strings"
	"testing"

	"entree/internal/domain"
)

// Each form of a notice is one sentence that agrees with its subject.
func TestANoticeSaysWhatWasChanged(t *testing.T) {
	m, box := open(t, nil)
	in := func(text string, parts ...string) {
		t.Helper()
		text = strings.Join(strings.Fields(text), " ") // also no-break spaces and line breaks
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("%q is not in %q", part, text)
			}
		}
	}
	for kind, named := range map[domain.FactorKind][2]string{
		domain.FactorPasskey: {" : une clé d'accès.", "a passkey was "},
		domain.FactorTOTP:    {" : une application de codes.", "a code app was "},
		domain.FactorKey:     {" : une clé de sécurité.", "a security key was "},
		domain.FactorCodes:   {" : des codes de secours.", "a set of recovery codes was "},
		domain.FactorOther:   {"o22502142.", "a way to sign in was "},
	} {
		for _, added := range []bool{true, false} {
			notice := message(domain.MessageFactorNotice, domain.French)
			notice.Factor, notice.Added = kind, added
			fr := sent(t, m, box, notice)
			notice.Lang = domain.English
			en := sent(t, m, box, notice)
			if added {
				in(fr.Text, ", un moyen de connexion a été ajouté à votre compte o22502142", named[0])
				in(en.Text, named[1]+"added to your account o22502142.")
			} else {
				in(fr.Text, ", un moyen de connexion a été retiré de votre compte o22502142", named[0])
				in(en.Text, named[1]+"removed from your account o22502142.")
			}
		}
	}
	phone := message(domain.MessagePhoneChanged, domain.English)
	in(sent(t, m, box, phone).Subject, "your mobile number was changed")
	phone.ByDesk = true
	in(sent(t, m, box, phone).Subject, "your mobile number was removed")
	phone.Lang = domain.French
	in(sent(t, m, box, phone).Subject, "votre numéro de mobile a été retiré")
}
