package keycloak

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// SecondFactors is what a realm needs for the second factors that profiles ask for.
type SecondFactors struct {
	Required bool // a profile requires one: the portal's client has a flow with levels
}

// The names of the levels of authentication (acr), on the client of the ENT.
const (
	levelPassword = "pwd"
	levelFactor   = "mfa" // a second factor was given, or a passkey
)

// levels maps the names to the levels of the flow, as Keycloak stores them.
const levels = `{"` + levelPassword + `":1,"` + levelFactor + `":2}`

// levelAge is how many seconds a level lasts in a session: the life of the portal's own
// session after a login.
const levelAge = "36000"

// flowName is the name of the portal's own browser flow, and flowAbout its mark.
const (
	flowName  = "entree-browser"
	flowAbout = "Made by Entrée: level 1 is a password or a passkey, level 2 a second factor"
)

// step is one execution of a flow, or a flow inside it.
type step struct {
	provider    string // empty: a flow
	flow        string
	requirement string
	config      map[string]string
	steps       []step
}

// notByPasskey is the condition that no passkey was used in this login. A passkey
// verifies its user, so it stands for both factors.
var notByPasskey = step{provider: "conditional-credential", requirement: "REQUIRED", config: map[string]string{"credentials": passkeyType}}

// secondSteps are the executions that ask for a second factor. They leave levelFactor in
// the claim amr, so that a login at level 1 with a factor needs no second one.
var secondSteps = []step{
	{provider: otpForm, requirement: "ALTERNATIVE", config: referenced},
	{provider: keyForm, requirement: "ALTERNATIVE", config: referenced},
	{provider: codesForm, requirement: "ALTERNATIVE", config: referenced},
}

// referenced is the configuration of an execution that the claim amr names.
var referenced = map[string]string{referencePrefix + "value": levelFactor, referencePrefix + "maxAge": levelAge}

const referencePrefix = "default.reference."

// unless is the condition that a flow was not executed in this login.
func unless(flow string) step {
	return step{provider: "conditional-sub-flow-executed", requirement: "REQUIRED", config: map[string]string{"flow_to_check": flow, "check_result": "not-executed"}}
}

// browserSteps is the portal's browser flow. Level 1 asks for the password and, as
// Keycloak's own flow does, for the second factor of an account that has one: otherwise
// the password alone would open the actions that register another factor. Level 2 asks
// for any factor, a passkey included, unless level 1 just did, and leads an account
// without one through the registration of an application of codes. A login by passkey
// needs nothing more: at level 1 it leaves levelFactor in the claim amr, and at level 2 it
// passes by the last execution, since the flows before it are left out.
var browserSteps = []step{
	{provider: "auth-cookie", requirement: "ALTERNATIVE"},
	{provider: "identity-provider-redirector", requirement: "ALTERNATIVE"},
	{flow: flowName + "-forms", requirement: "ALTERNATIVE", steps: []step{
		{flow: flowName + "-1", requirement: "CONDITIONAL", steps: []step{
			{provider: "conditional-level-of-authentication", requirement: "REQUIRED", config: map[string]string{"loa-condition-level": "1", "loa-max-age": levelAge}},
			{provider: "auth-username-password-form", requirement: "REQUIRED"},
			{flow: flowName + "-1-asks", requirement: "CONDITIONAL", steps: slices.Concat(
				[]step{{provider: "conditional-user-configured", requirement: "REQUIRED"}, notByPasskey}, secondSteps,
			)},
			{flow: flowName + "-1-passkey", requirement: "CONDITIONAL", steps: []step{
				{provider: "conditional-credential", requirement: "REQUIRED", config: map[string]string{"credentials": passkeyType, "included": "true"}},
				{provider: allow, requirement: "REQUIRED", config: referenced},
			}},
		}},
		{flow: flowName + "-2", requirement: "CONDITIONAL", steps: []step{
			{provider: "conditional-level-of-authentication", requirement: "REQUIRED", config: map[string]string{"loa-condition-level": "2", "loa-max-age": levelAge}},
			{flow: flowName + "-2-asks", requirement: "CONDITIONAL", steps: slices.Concat(
				[]step{unless(flowName + "-1-asks"), {provider: "conditional-user-configured", requirement: "REQUIRED"}, notByPasskey}, secondSteps,
				[]step{{provider: "webauthn-authenticator-passwordless", requirement: "ALTERNATIVE"}},
			)},
			{flow: flowName + "-2-registers", requirement: "CONDITIONAL", steps: []step{
				unless(flowName + "-1-asks"),
				unless(flowName + "-2-asks"),
				notByPasskey,
				{provider: otpForm, requirement: "REQUIRED"},
			}},
			{provider: allow, requirement: "REQUIRED"},
		}},
	}},
}

// The executions that ask for a factor.
const (
	otpForm   = "auth-otp-form"
	keyForm   = "webauthn-authenticator"
	codesForm = "auth-recovery-authn-code-form"
)

// allow is the execution that succeeds without asking for anything.
const allow = "allow-access-authenticator"

// execution is Keycloak's representation of an execution in a flow.
type execution struct {
	ID          string `json:"id"`
	Requirement string `json:"requirement"`
	ProviderID  string `json:"providerId"`
	DisplayName string `json:"displayName"`
	Level       int    `json:"level"`
	IsFlow      bool   `json:"authenticationFlow"`
	Config      string `json:"authenticationConfig"` // id of its configuration; empty: none
}

// planFactors plans the factors that profiles ask for: the actions that register them,
// the executions that ask for them in the realm's own flow, and, if a profile requires
// one, the flow with levels of the client of the ENT. Only Keycloak's built-in flow is
// changed. A flow of the university is not changed; Check reports what it lacks.
func (c *Client) planFactors(ctx context.Context, w Wanted) ([]Change, error) {
	var changes []Change
	if w.Factors != nil {
		for _, plan := range []func(context.Context) ([]Change, error){c.planActions, c.planExecutions} {
			some, err := plan(ctx)
			if err != nil {
				return nil, err
			}
			changes = append(changes, some...)
		}
	}
	if w.ENT.Secret.Empty() {
		return changes, nil
	}
	required := w.Factors != nil && w.Factors.Required
	if required {
		some, err := c.planFlow(ctx)
		if err != nil {
			return changes, err
		}
		changes = append(changes, some...)
		some, err = c.planMappers(ctx, "claims of the client "+w.ENT.ID, "the portal reads in them whether a second factor was given", c.clientPath(w.ENT.ID), []map[string]any{{
			"name": "amr", "protocol": "openid-connect", "protocolMapper": "oidc-amr-mapper",
			"config": map[string]any{"id.token.claim": "true", "access.token.claim": "false"},
		}})
		if err != nil {
			return changes, err
		}
		changes = append(changes, some...)
	}
	some, err := c.planOverride(ctx, w.ENT.ID, required)
	return append(changes, some...), err
}

type requiredAction struct {
	Alias   string `json:"alias"`
	Enabled bool   `json:"enabled"`
}

// planActions plans the actions that register factors. A new realm has them all.
func (c *Client) planActions(ctx context.Context) (changes []Change, err error) {
	var actions []requiredAction
	if err := c.get(ctx, c.path("authentication", "required-actions"), &actions); err != nil {
		return nil, fmt.Errorf("read the required actions: %w", err)
	}
	for _, a := range actions {
		if asksFor[a.Alias] == "" || a.Enabled {
			continue
		}
		some, err := object{
			what: "required action " + a.Alias, why: "a profile offers this second factor", want: map[string]any{"enabled": true},
			find: func(ctx context.Context) (action map[string]any, err error) {
				err = c.get(ctx, c.path("authentication", "required-actions", a.Alias), &action)
				return action, err
			},
			update: c.send(http.MethodPut, "authentication", "required-actions", a.Alias),
		}.hold(ctx)
		if err != nil {
			return nil, err
		}
		changes = append(changes, some...)
	}
	return changes, nil
}

// builtIn is the name of Keycloak's own browser flow.
const builtIn = "browser"

// browserFlow returns the name of the flow that the realm's logins go through; of a realm
// that does not exist, the name of Keycloak's own.
func (c *Client) browserFlow(ctx context.Context) (string, error) {
	realm, err := c.readRealm(ctx)
	if name, _ := realm["browserFlow"].(string); name != "" {
		return name, err
	}
	return builtIn, err
}

// executions returns the executions of a flow, in order, without those of flows that are
// disabled; none if the flow does not exist.
func (c *Client) executions(ctx context.Context, flow string) (out []execution, err error) {
	err = c.get(ctx, c.path("authentication", "flows", flow, "executions"), &out)
	return out, err
}

// planExecutions plans that the realm's flow asks for security keys and recovery codes:
// Keycloak's own flow has them, disabled.
func (c *Client) planExecutions(ctx context.Context) (changes []Change, err error) {
	name, err := c.browserFlow(ctx)
	if err != nil || name != builtIn {
		return nil, err
	}
	has, err := c.executions(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("read the browser flow: %w", err)
	}
	for _, e := range has {
		// A REQUIRED form makes Keycloak ignore the alternatives beside it.
		disabled := e.Requirement == "DISABLED" && (e.ProviderID == keyForm || e.ProviderID == codesForm)
		if !disabled && (e.ProviderID != otpForm || e.Requirement != "REQUIRED") {
			continue
		}
		changes = append(changes, Change{
			What: "execution " + e.ProviderID + " of the flow " + name, Why: "a factor that is registered and never asked for protects nothing",
			Fields: []Field{{"requirement", e.Requirement, "ALTERNATIVE"}},
			apply: func(ctx context.Context) error {
				_, err := c.requireStep(ctx, name, "ALTERNATIVE", func(has map[string]any) bool { return has["id"] == e.ID })
				return err
			},
		})
	}
	return changes, nil
}

// requireStep sets the requirement of the execution that meets a condition, and returns
// its id. It sends the execution as Keycloak returns it: a representation without its
// priority moves it to the front.
func (c *Client) requireStep(ctx context.Context, flow, requirement string, isMeant func(map[string]any) bool) (id string, err error) {
	var has []map[string]any
	path := c.path("authentication", "flows", flow, "executions")
	if _, err := c.do(ctx, http.MethodGet, path, nil, &has); err != nil {
		return "", err
	}
	at := slices.IndexFunc(has, isMeant)
	if at < 0 {
		return "", fmt.Errorf("the flow %s does not show the execution", flow)
	}
	has[at]["requirement"] = requirement
	_, err = c.do(ctx, http.MethodPut, path, has[at], nil)
	return fmt.Sprint(has[at]["id"]), err
}

// planFlow plans the portal's browser flow. A flow of that name that differs is not
// changed.
func (c *Client) planFlow(ctx context.Context) ([]Change, error) {
	flow, err := c.ownFlow(ctx)
	if err != nil {
		return nil, err
	}
	if flow == nil {
		return []Change{{
			New: true, What: "flow " + flowName, Why: "a profile requires a second factor: the portal asks for it by the level of a login",
			Fields: shownSteps(browserSteps, ""), apply: c.makeFlow,
		}}, nil
	}
	has, err := c.flatExecutions(ctx, flowName)
	if err != nil {
		return nil, err
	}
	if flow["description"] != flowAbout || !slices.Equal(flatSteps(browserSteps, 0), has) {
		return nil, &Foreign{
			What: "the flow " + flowName, Why: "differs from the flow that the portal makes: it was edited, or another release made it",
			Do: "give the client of the ENT no flow of its own (Clients → Advanced → Authentication flow overrides), delete the flow (Authentication → Flows), then apply again",
		}
	}
	return nil, nil
}

// shownSteps returns the executions of a flow as a plan shows them.
func shownSteps(steps []step, under string) (fields []Field) {
	for _, s := range steps {
		fields = append(fields, Field{under + s.provider + s.flow, "", s.requirement})
		fields = append(fields, shownSteps(s.steps, under+"  ")...)
	}
	return fields
}

// flatSteps and flatExecutions return a flow as lines that can be compared. The lines
// include the configurations: the level of a login is one of them.
func flatSteps(steps []step, level int) (lines []string) {
	for _, s := range steps {
		lines = append(lines, flatStep(level, s.provider+s.flow, s.requirement, s.config))
		lines = append(lines, flatSteps(s.steps, level+1)...)
	}
	return lines
}

func (c *Client) flatExecutions(ctx context.Context, flow string) (lines []string, err error) {
	has, err := c.executions(ctx, flow)
	if err != nil {
		return nil, fmt.Errorf("read the flow %s: %w", flow, err)
	}
	for _, e := range has {
		name := e.ProviderID
		if e.IsFlow {
			name = e.DisplayName
		}
		var stored struct{ Config map[string]string }
		if e.Config != "" {
			if err := c.get(ctx, c.path("authentication", "config", e.Config), &stored); err != nil {
				return nil, fmt.Errorf("read the configuration of %s: %w", name, err)
			}
		}
		lines = append(lines, flatStep(e.Level, name, e.Requirement, stored.Config))
	}
	return lines, nil
}

// flatStep leaves out the values of the settings for the claim amr: Keycloak hides those
// of settings that the provider of an execution does not declare (26.7.4).
func flatStep(level int, name, requirement string, config map[string]string) string {
	config = maps.Clone(config)
	for key := range config {
		if strings.HasPrefix(key, referencePrefix) {
			config[key] = ""
		}
	}
	return fmt.Sprintf("%d %s %s %q", level, name, requirement, config)
}

// ownFlow returns the portal's browser flow, nil if there is none.
func (c *Client) ownFlow(ctx context.Context) (map[string]any, error) {
	var flows []map[string]any
	if err := c.get(ctx, c.path("authentication", "flows"), &flows); err != nil {
		return nil, fmt.Errorf("read the flows: %w", err)
	}
	for _, flow := range flows {
		if flow["alias"] == flowName {
			return flow, nil
		}
	}
	return nil, nil
}

// makeFlow creates the portal's browser flow. If it fails in the middle, the half flow is
// deleted: it is bound to no client yet.
func (c *Client) makeFlow(ctx context.Context) error {
	if err := c.send(http.MethodPost, "authentication", "flows")(ctx, map[string]any{
		"alias": flowName, "description": flowAbout, "providerId": "basic-flow", "topLevel": true, "builtIn": false,
	}); err != nil {
		return err
	}
	err := c.fillFlow(ctx, flowName, browserSteps)
	if err == nil {
		return nil
	}
	if flow, look := c.ownFlow(context.WithoutCancel(ctx)); look == nil && flow != nil {
		_, _ = c.do(context.WithoutCancel(ctx), http.MethodDelete, c.path("authentication", "flows", fmt.Sprint(flow["id"])), nil, nil)
	}
	return err
}

// fillFlow adds executions to a flow, at its end, in their order.
func (c *Client) fillFlow(ctx context.Context, flow string, steps []step) error {
	for i, s := range steps {
		path, body := "execution", map[string]any{"provider": s.provider}
		if s.flow != "" {
			path, body = "flow", map[string]any{"alias": s.flow, "type": "basic-flow", "provider": "registration-page-form", "description": flowAbout}
		}
		header, err := c.do(ctx, http.MethodPost, c.path("authentication", "flows", flow, "executions", path), body, nil)
		if err != nil {
			return fmt.Errorf("add %s: %w", s.provider+s.flow, err)
		}
		id, err := c.requireStep(ctx, flow, s.requirement, func(e map[string]any) bool {
			if s.flow != "" {
				return e["authenticationFlow"] == true && e["displayName"] == s.flow
			}
			return e["id"] == locationID(header.Get("Location"))
		})
		if err != nil {
			return fmt.Errorf("set %s: %w", s.provider+s.flow, err)
		}
		if s.config != nil {
			config := map[string]any{"alias": fmt.Sprintf("%s-%s-%d", flow, s.provider, i), "config": s.config}
			if err := c.send(http.MethodPost, "authentication", "executions", id, "config")(ctx, config); err != nil {
				return fmt.Errorf("configure %s: %w", s.provider, err)
			}
		}
		if err := c.fillFlow(ctx, s.flow, s.steps); err != nil {
			return err
		}
	}
	return nil
}

// notRequired is the reason of the change that takes the portal's flow from the client.
const notRequired = "no profile requires a second factor any more"

// planOverride plans that the client of the ENT logs in through the portal's flow, with
// names for its levels, or no longer. All other clients keep the realm's flow.
func (c *Client) planOverride(ctx context.Context, id string, required bool) ([]Change, error) {
	client, err := c.clientNamed(ctx, id)
	if err != nil {
		return nil, err
	}
	flow, err := c.ownFlow(ctx)
	if err != nil {
		return nil, err
	}
	overrides, _ := client["authenticationFlowBindingOverrides"].(map[string]any)
	attributes, _ := client["attributes"].(map[string]any)
	isBound := flow != nil && overrides["browser"] == flow["id"]
	switch {
	case required && (!isBound || attributes["acr.loa.map"] != levels):
		other := ""
		named, _ := attributes["acr.loa.map"].(string)
		if name, _ := overrides["browser"].(string); name != "" && !isBound {
			other = "another flow"
		}
		return []Change{{
			What: "login of the client " + id, Why: "a profile requires a second factor; other clients keep the realm's flow",
			Fields: []Field{{"browser flow", other, flowName}, {"acr.loa.map", named, levels}},
			apply:  func(ctx context.Context) error { return c.override(ctx, id, true) },
		}}, nil
	case !required && isBound:
		return []Change{{
			What: "login of the client " + id, Why: notRequired,
			Fields: []Field{{"browser flow", flowName, "the realm's"}}, apply: func(ctx context.Context) error { return c.override(ctx, id, false) },
		}}, nil
	}
	return nil, nil
}

// override binds the client to the portal's flow, or to the realm's again.
func (c *Client) override(ctx context.Context, id string, bind bool) error {
	client, err := c.clientNamed(ctx, id)
	if err != nil {
		return err
	}
	if client == nil {
		return fmt.Errorf("the client %s is not there", id)
	}
	attributes, _ := client["attributes"].(map[string]any)
	if attributes == nil {
		attributes = map[string]any{}
	}
	binding := map[string]any{"browser": ""}
	if bind {
		flow, err := c.ownFlow(ctx)
		if err != nil {
			return err
		}
		binding["browser"], attributes["acr.loa.map"] = flow["id"], levels
	}
	client["authenticationFlowBindingOverrides"], client["attributes"] = binding, attributes
	return c.send(http.MethodPut, "clients", fmt.Sprint(client["id"]))(ctx, client)
}

// asksFor maps the actions that register a factor to the executions that ask for it.
var asksFor = map[string]string{"CONFIGURE_TOTP": otpForm, "webauthn-register": keyForm, "CONFIGURE_RECOVERY_AUTHN_CODES": codesForm}

// neverAsked returns the factors that users can register in the realm and that no login
// asks for.
func (c *Client) neverAsked(ctx context.Context) ([]Finding, error) {
	var actions []requiredAction
	if err := c.get(ctx, c.path("authentication", "required-actions"), &actions); err != nil {
		return nil, fmt.Errorf("read the required actions: %w", err)
	}
	name, err := c.browserFlow(ctx)
	if err != nil {
		return nil, err
	}
	has, err := c.executions(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("read the flow %s: %w", name, err)
	}
	var silent []string
	for _, a := range actions {
		form := asksFor[a.Alias]
		if form == "" || !a.Enabled || slices.ContainsFunc(has, func(e execution) bool { return e.ProviderID == form && e.Requirement != "DISABLED" }) {
			continue
		}
		silent = append(silent, a.Alias)
	}
	if len(silent) == 0 {
		return nil, nil
	}
	return []Finding{{fmt.Sprintf("factors can be registered and are never asked for in the flow %s (%s)", name, strings.Join(silent, ", ")), "their owners believe that their account is protected by them",
		"set factors of a profile to offered and run `entree realm apply`, or set the executions of the flow to ALTERNATIVE by hand (Authentication → Flows), or turn these required actions off"}}, nil
}

// neverAskedWanted finds factors that profiles ask for and a flow of the university's own
// does not.
func (c *Client) neverAskedWanted(ctx context.Context, w Wanted, _ map[string]any) ([]Finding, error) {
	if w.Factors == nil {
		return nil, nil
	}
	name, err := c.browserFlow(ctx)
	if err != nil || name == builtIn { // the plan shows what Keycloak's own flow lacks
		return nil, err
	}
	return c.neverAsked(ctx)
}
