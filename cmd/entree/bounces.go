package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"entree/internal/app"
	"entree/internal/config"
	"entree/internal/mail/bounce"
)

// explained is the JSON line of one mail.
type explained struct {
	File       string             `json:"file"`
	Recipients []string           `json:"recipients"`
	Status     string             `json:"status"`
	Diagnostic string             `json:"diagnostic"`
	MessageID  string             `json:"message_id"`
	Outcome    bounce.Outcome     `json:"outcome"`
	Reason     bounce.Reason      `json:"reason,omitempty"`
	Provider   string             `json:"provider,omitempty"`
	Rule       string             `json:"rule,omitempty"`
	Failures   []explainedFailure `json:"failures,omitempty"` // if there is more than one
}

type explainedFailure struct {
	Recipients []string       `json:"recipients"`
	Status     string         `json:"status"`
	Diagnostic string         `json:"diagnostic"`
	Outcome    bounce.Outcome `json:"outcome"`
	Reason     bounce.Reason  `json:"reason"`
	Provider   string         `json:"provider"`
	Rule       string         `json:"rule"`
}

func bouncesCommand(env environment) *cobra.Command {
	c := &cobra.Command{Use: "bounces", Short: "Mails that came back"}
	c.AddCommand(explainCommand(env))
	return c
}

func explainCommand(env environment) *cobra.Command {
	var file string
	var asJSON bool
	c := &cobra.Command{
		Use:   "explain FILE…",
		Short: "Show what the portal reads in bounce mails",
		Long: `Show what the portal reads in bounce mails (.eml or mbox files), as if each
were about a mail of the portal: the recipients, the status, the words of the
refusing server and the outcome.

  wrong     the address does not exist; the portal sends no more mails to it
  returned  the mail came back, but the address may be right
  none      no failed delivery: a delay, an absence notice, any other mail

No configuration is needed. With --config, the institution's own rules
(bounces.rules) come before the built-in ones.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			rules := bounce.DefaultRules()
			if file != "" {
				c, err := config.Load(file, env.environ)
				if err != nil {
					return err
				}
				if rules, err = app.BounceRules(c.BounceRules()); err != nil {
					return err
				}
			}
			return explain(cmd.OutOrStdout(), args, rules, asJSON)
		},
	}
	c.Flags().StringVar(&file, "config", "", "configuration file with the institution's rules")
	c.Flags().BoolVar(&asJSON, "json", false, "print one line of JSON per mail")
	return c
}

func explain(out io.Writer, files []string, rules *bounce.Rules, asJSON bool) error {
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		mails := [][]byte{raw}
		if !strings.EqualFold(filepath.Ext(file), ".eml") {
			mails = bounce.SplitMbox(raw)
		}
		for _, one := range mails {
			if err := explainOne(out, file, bounce.Parse(one, rules), asJSON); err != nil {
				return err
			}
		}
	}
	return nil
}

func explainOne(out io.Writer, file string, report bounce.Report, asJSON bool) error {
	e := explained{File: file, Recipients: []string{}, Outcome: report.Outcome()}
	if len(report.MessageIDs) > 0 {
		e.MessageID = report.MessageIDs[0]
	}
	if f, ok := report.Decisive(); ok {
		e.Status, e.Diagnostic, e.Reason, e.Provider, e.Rule = f.Status, f.Diagnostic, f.Reason, f.Provider, f.Rule
	}
	for _, f := range report.Failures {
		if len(f.Recipients) > 0 {
			e.Recipients = append(e.Recipients, f.Recipients[0])
		}
		if len(report.Failures) > 1 {
			e.Failures = append(e.Failures, explainedFailure{append([]string{}, f.Recipients...), f.Status, f.Diagnostic, f.Outcome, f.Reason, f.Provider, f.Rule})
		}
	}
	if asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(e)
	}
	_, err := fmt.Fprintf(out, "%s: %s\n", file, e.Outcome)
	if err != nil || e.Outcome == bounce.None {
		return err
	}
	for _, f := range report.Failures {
		if _, err := fmt.Fprintf(out, "  %s: %s (%s) by rule %s, status %s\n    %s\n", strings.Join(f.Recipients, ", "), f.Outcome, f.Reason, f.Rule, f.Status, f.Diagnostic); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(out, "  about the mail %s\n", e.MessageID)
	return err
}
