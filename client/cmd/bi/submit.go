package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/batch-inquiries/batch-inquiries/client"
	"github.com/batch-inquiries/batch-inquiries/client/batchfile"
)

func (a *app) submitCommand() *cobra.Command {
	var s submitting
	cmd := &cobra.Command{
		Use:   "submit FILE",
		Short: "Submit a batch from a .csv or .json file",
		Long: `Submits a batch from a .json file, as the API takes it, or from a .csv file, and
prints its id.

` + batchfile.Columns + `

Everything that is wrong with the file is shown at once, by the spreadsheet's row
numbers: the header is row 1.

When the lender has as many inquiries open as it may have, it waits for room.

With --wait it goes on as bi watch does; stdout has the id alone.
` + exitCodes,
		Args: cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"csv", "json"}, cobra.ShellCompDirectiveFilterFileExt
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&s.name, "name", "", "the batch's `name` (default: the file's, or what it says)")
	flags.BoolVar(&s.wait, "wait", false, "follow the batch to its end")
	flags.BoolVar(&s.skip, "skip-invalid", false, "submit the valid rows when others break the rules")
	flags.BoolVar(&s.dryRun, "dry-run", false, "only check the file")
	flags.StringVar(&s.idempotencyKey, "idempotency-key", "", "submit this file once, however often you run this with the same `key`")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		file, err := batchfile.Read(args[0])
		if err != nil {
			return err
		}
		s.app, s.file, s.path, s.given = a, file, args[0], given(cmd)
		return a.calling(func(cmd *cobra.Command, c *client.Client, _ []string) error {
			return s.submit(cmd.Context(), c)
		})(cmd, args)
	}
	return cmd
}

// submitting is one run of bi submit.
type submitting struct {
	name               string
	idempotencyKey     string
	wait, skip, dryRun bool

	*app
	file  *batchfile.File
	path  string
	given string // the flags, for a repeat of the command
}

func (s *submitting) submit(ctx context.Context, c *client.Client) error {
	if s.name != "" {
		s.file.Set("name", s.name)
	}
	if s.skip {
		s.file.Set("onInvalid", client.Skip)
	}
	if s.dryRun {
		s.file.Set("validateOnly", true)
	}
	body, err := json.Marshal(s.file)
	if err != nil {
		return err
	}
	if s.dryRun {
		return s.check(ctx, c, body)
	}
	ownKey := s.idempotencyKey != ""
	if !ownKey {
		s.idempotencyKey = rand.Text()
	}
	accepted, err := s.untilThereIsRoom(ctx, func() (*client.Submitted, error) {
		return c.SubmitJSON(ctx, body, s.idempotencyKey)
	})
	if err != nil {
		return s.refused(err)
	}
	if accepted.Replayed && ownKey { // else a try of ours was, whose reply was lost
		fmt.Fprintln(s.stderr, "This file was submitted before with the same key; it is the same batch.")
	}
	if accepted.Rejected > 0 {
		fmt.Fprintf(s.stderr, "%d of %d inquiries break the rules and have failed:\n%s", accepted.Rejected, accepted.Total, s.faults(accepted.Errors))
	}
	fmt.Fprintln(s.stdout, accepted.BatchID)
	if !s.wait {
		fmt.Fprintf(s.stderr, "Accepted %d inquiries as %q. To follow them: bi watch %s\n", accepted.Accepted, accepted.BatchName, accepted.BatchID)
		return nil
	}
	return s.follow(ctx, c, accepted.BatchID, s.stderr, true)
}

// check shows what submitting the file would lead to.
func (s *submitting) check(ctx context.Context, c *client.Client, body []byte) error {
	v, err := c.ValidateJSON(ctx, body)
	if err != nil {
		return s.refused(err)
	}
	for _, d := range v.Duplicates {
		fmt.Fprintf(s.stdout, "  %s seems to be the business of %s (by %s)\n",
			s.file.Place(fmt.Sprintf("/inquiries/%d", d.Index)), s.file.Place(fmt.Sprintf("/inquiries/%d", d.DuplicateOf)), d.By)
	}
	fmt.Fprint(s.stdout, s.faults(v.Errors))
	if !v.Valid {
		return fmt.Errorf("%s would be refused: %d of %d inquiries break the rules", s.path, v.Rejected, v.Total)
	}
	fmt.Fprintf(s.stdout, "%s would be accepted: %d inquiries to look up, %d that break the rules\n", s.path, v.Accepted, v.Rejected)
	if v.Limits.OpenLeft < v.Total {
		fmt.Fprintf(s.stdout, "Just now there is room for %d of %d inquiries: bi submit would wait until other batches end.\n", v.Limits.OpenLeft, v.Total)
	}
	return nil
}

// refused says where in the file the faults are, or how to try again without
// submitting twice.
func (s *submitting) refused(err error) error {
	p, ok := errors.AsType[*client.Problem](err)
	if ok && len(p.Errors) > 0 {
		return fmt.Errorf("%s was refused and nothing was stored. To correct:\n%s", s.path, strings.TrimRight(s.faults(p.Errors), "\n"))
	}
	if s.dryRun {
		return err
	}
	return unsure(err, fmt.Sprintf("bi submit %s%s --idempotency-key %s", quoted(s.path), s.given, s.idempotencyKey))
}

// given are the flags that a command was given, as a shell takes them: without
// them, a repeat would be another request. A credential is not shown.
func given(cmd *cobra.Command) string {
	var flags strings.Builder
	cmd.Flags().Visit(func(f *pflag.Flag) {
		switch {
		case f.Name == "idempotency-key":
		case f.Name == "api-key":
			flags.WriteString(" --api-key …")
		case f.Value.Type() == "bool":
			fmt.Fprintf(&flags, " --%s=%s", f.Name, f.Value)
		default:
			fmt.Fprintf(&flags, " --%s %s", f.Name, quoted(f.Value.String()))
		}
	})
	return flags.String()
}

// unsure adds to an error after which nobody knows whether a batch was made how
// to make it once, whatever happened.
func unsure(err error, command string) error {
	if p, ok := errors.AsType[*client.Problem](err); ok && !p.Temporary() || errors.Is(err, errNoRoom) {
		return err
	}
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	return fmt.Errorf("%w\nWhether the batch was accepted is not known. To submit it once, whatever happened:\n  %s", err, command)
}

// mostFaults keeps the list on one screen.
const mostFaults = 20

// faults lists what is wrong at its place in the file, a line each.
func (s *submitting) faults(faults []client.Fault) string {
	var text strings.Builder
	for i, f := range faults {
		if i == mostFaults {
			fmt.Fprintf(&text, "  and %d more\n", len(faults)-mostFaults)
			break
		}
		place := s.file.Place(f.Pointer)
		if f.Parameter != "" {
			place = f.Parameter
		}
		if f.ExternalID != "" {
			place += " (" + f.ExternalID + ")"
		}
		fmt.Fprintf(&text, "  %s: %s\n", place, f.Message)
	}
	return text.String()
}

// quoted is a path as a shell takes it.
func quoted(path string) string {
	if strings.ContainsAny(path, " '\"$&;()<>|*?\\`") {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}
