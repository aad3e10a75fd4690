package keycloak

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Parts lists the parts of a plan, by the names that --only and --without take.
func Parts() []string {
	var names []string
	for _, p := range (*Client)(nil).parts() {
		names = append(names, p.name)
	}
	return names
}

type part struct {
	name string
	plan func(context.Context, Wanted) ([]Change, error)
}

func (c *Client) parts() []part {
	return []part{
		{"settings", c.planRealm}, {"profile", c.planProfile}, {"passkeys", c.planPasskeys}, {"groups", c.planGroups}, {"claims", c.planScope},
		{"portal", c.planPortal}, {"ent", c.planENT}, {"factors", c.planFactors}, {"console", c.planConsole},
	}
}

// includes reports whether a part is planned. The name of a setting, like
// passwordPolicy, is a part of its own inside settings.
func (w Wanted) includes(name string) bool {
	if slices.Contains(w.Without, name) {
		return false
	}
	if len(w.Only) == 0 || slices.Contains(w.Only, name) {
		return true
	}
	return name == "settings" && slices.ContainsFunc(w.Only, isSetting)
}

// includesSetting reports whether one setting of the realm is planned.
func (w Wanted) includesSetting(name string) bool {
	if slices.Contains(w.Without, name) {
		return false
	}
	return len(w.Only) == 0 || slices.Contains(w.Only, "settings") || slices.Contains(w.Only, name)
}

// settingNames lists the settings that a plan may change.
var settingNames = []string{
	"registrationAllowed", "bruteForceProtected", "duplicateEmailsAllowed", "eventsEnabled", "eventsExpiration", "passwordPolicy",
	"loginTheme", "internationalizationEnabled", "supportedLocales",
}

func isSetting(name string) bool { return slices.Contains(settingNames, name) }

func (w Wanted) checkParts() error {
	for _, name := range slices.Concat(w.Only, w.Without) {
		if !slices.Contains(Parts(), name) && !isSetting(name) {
			return fmt.Errorf("%q is no part of the plan: want %s, or one of the settings %s", name, strings.Join(Parts(), ", "), strings.Join(settingNames, ", "))
		}
	}
	return nil
}

// Means says what a change does to users who exist; empty: nothing.
func (c Change) Means() string {
	if c.New && c.Part == "settings" {
		return "" // a new realm has none
	}
	setting, _ := strings.CutPrefix(c.What, "setting ")
	switch {
	case setting == "passwordPolicy":
		return "passwords stay valid; at the next change each user must choose one that keeps the new rules"
	case setting == "registrationAllowed":
		return "accounts that registered by themselves stay; nobody can register any more"
	case setting == "bruteForceProtected":
		return "an account is locked for a time after repeated wrong passwords"
	case setting == "duplicateEmailsAllowed":
		return "users who share an address keep it until they are edited; logging in with that address stays ambiguous"
	case setting == "eventsEnabled", setting == "eventsExpiration":
		return "their logins are recorded from now on, for the time shown"
	case setting == "loginTheme", setting == "internationalizationEnabled", setting == "supportedLocales":
		return "they see another login page"
	case c.Part == "profile" && !c.New:
		return "values that they hold stay; they can no longer edit these attributes themselves"
	case c.Part == "claims", c.Part == "ent" && strings.HasPrefix(c.What, "client scope"):
		return "relying parties of the client receive these claims at the next login, also for users that the portal did not create, as far as they have the attributes"
	case c.Part == "passkeys":
		return "they can add a passkey and log in with it; passwords stay"
	case c.Part == "factors" && strings.HasPrefix(c.What, "required action"):
		return "they can register this factor"
	case c.Part == "factors" && strings.HasPrefix(c.What, "execution"):
		return "those who have registered a second factor are asked for it from the next login on"
	case c.Part == "factors" && c.Why == notRequired:
		return "they log in through the realm's flow again; registered factors stay"
	case c.Part == "factors" && strings.HasPrefix(c.What, "login of the client"):
		return "those with a required second factor who have none must register one at the next login"
	case c.Part == "groups":
		return "none is put into the group"
	}
	return ""
}
