package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"entree/internal/charter"
	"entree/internal/config"
	"entree/internal/secret"
)

func evidenceCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "evidence",
		Short: "Verify the evidence of accepted charters that the console exported",
	}
	cmd.AddCommand(verifyCommand(), keyCommand(env))
	return cmd
}

func verifyCommand() *cobra.Command {
	var key string
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Check an export without the portal: its signature, and the hash of each text",
		Long: `Check an export without the portal, its database or the network: the signature,
and that each text has the hash that was accepted. FILE - is the standard input.

With --key, the signature must be by that key. Without it, the key is taken from
the file: compare the printed fingerprint with the one that the institution
published. The command ends with 1 if a check fails.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := readFile(args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			s, e, err := charter.Verify(raw, key)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "%s, by %s (%s)\n", s.Institution, s.Portal, s.MadeAt.Format("2006-01-02 15:04:05 MST"))
			fmt.Fprintf(out, "%s %s, %s %s %s\n", s.Person.GivenName, s.Person.FamilyName, s.Person.Profile, s.Person.Number, s.Person.Login)
			for _, a := range s.Acceptances {
				fmt.Fprintf(out, "  %s  version %s (%s)  %s\n", a.At.Format("2006-01-02 15:04:05 MST"), a.Version, a.Lang, a.SHA256)
			}
			fmt.Fprintf(out, "The signature and every hash are right. Key %s\n", charter.Fingerprint(e.PublicKey))
			if key == "" {
				fmt.Fprintln(out, "The key is the file's own: compare its fingerprint, or give it with --key.")
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "the public key that the institution published")
	return cmd
}

func keyCommand(env environment) *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Show the public key that exports are signed with",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.Load(path, env.environ)
			if err != nil {
				return err
			}
			key := charter.EncodeKey(c.Keys.Signers(secret.UseEvidence)[0])
			fmt.Fprintf(cmd.OutOrStdout(), "%s\nfingerprint %s\n", key, charter.Fingerprint(key))
			return nil
		},
	}
	cmd.Flags().StringVar(&path, "config", "entree.yaml", "the configuration file")
	return cmd
}

// readFile reads a file, or the standard input where its name is -.
func readFile(name string, stdin io.Reader) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(stdin)
	}
	return os.ReadFile(name)
}
