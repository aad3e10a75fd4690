package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"entree/internal/buildinfo"
)

// manCommand writes one manual page that describes all commands with their own
// help, so that page and help cannot differ.
func manCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man",
		Short: "Write the manual page entree(8) to standard output",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return writeMan(cmd.OutOrStdout(), cmd.Root(), buildinfo.Read())
		},
	}
}

func writeMan(out io.Writer, root *cobra.Command, build buildinfo.Info) error {
	day := ""
	if t, err := time.Parse(time.RFC3339, build.Time); err == nil {
		day = t.UTC().Format(time.DateOnly)
	}
	var b strings.Builder
	fmt.Fprintf(&b, ".TH ENTREE 8 %q %q \"Entrée\"\n.nh\n", day, build.Version)
	fmt.Fprintf(&b, ".SH NAME\nentree \\- %s\n", roff(root.Short))
	b.WriteString(".SH SYNOPSIS\n.B entree\n.I command\n.RI [ options ]\n.SH COMMANDS\n")
	manOf(&b, root)
	b.WriteString(".SH ENVIRONMENT\nEach key of the configuration file is also a variable: portal.base_url is\n.BR ENTREE_PORTAL_BASE_URL ,\n" +
		"or\n.B ENTREE_PORTAL_BASE_URL_FILE\nwith the name of a file that holds the value.\n" +
		".SH FILES\n.TP\n.I /etc/entree/entree.yaml\nthe configuration of the packages' service\n.TP\n.I /var/lib/entree\nits data\n" +
		".SH EXIT STATUS\n0: done. 1: an error, or a check that found something. 3: an import was stopped and nothing was imported.\n")
	_, err := io.WriteString(out, b.String())
	return err
}

// manOf writes the sections of the commands under a command.
func manOf(b *strings.Builder, parent *cobra.Command) {
	for _, c := range parent.Commands() {
		if c.Hidden || c.Name() == "help" || c.Name() == "completion" {
			continue
		}
		if c.Runnable() {
			text := c.Long
			if text == "" {
				text = c.Short + "."
			}
			fmt.Fprintf(b, ".SS %s\n.nf\n%s\n.fi\n", roff(c.UseLine()), roff(text))
			c.NonInheritedFlags().VisitAll(func(f *pflag.Flag) { manFlag(b, f) })
			c.InheritedFlags().VisitAll(func(f *pflag.Flag) { manFlag(b, f) })
		} else if c.Long != "" {
			fmt.Fprintf(b, ".SS %s\n.nf\n%s\n.fi\n", roff(c.CommandPath()), roff(c.Long))
		}
		manOf(b, c)
	}
}

func manFlag(b *strings.Builder, f *pflag.Flag) {
	if f.Hidden || f.Name == "help" {
		return
	}
	kind, usage := pflag.UnquoteUsage(f)
	fmt.Fprintf(b, ".TP\n.B %s\n%s", roff("--"+f.Name+" "+kind), roff(usage))
	if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" && f.DefValue != "0" {
		fmt.Fprintf(b, " (default: %s)", roff(f.DefValue))
	}
	b.WriteString("\n")
}

// roff escapes a text: a line must not begin with a control character.
func roff(text string) string {
	lines := strings.Split(strings.ReplaceAll(strings.ReplaceAll(text, `\`, `\e`), "-", `\-`), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
