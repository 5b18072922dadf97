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
	s := submission{app: a}
	cmd := &cobra.Command{
		Use:   "submit FILE",
		Short: "Submit a batch from a .csv or .json file",
		Long: `Submits a batch from a .json file in the API's format, or from a .csv file, and
prints its id.

` + batchfile.Columns + `

If anything in the file is invalid, all errors are shown at once, with the row
numbers of the spreadsheet. The header is row 1.

If the lender has reached its limit of open inquiries, the command waits for room.

With --wait, it then follows the batch like bi watch. Standard output has only the
id.

` + exitCodes,
		Args: oneArgument,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"csv", "json"}, cobra.ShellCompDirectiveFilterFileExt
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&s.name, "name", "", "the batch's `name` (default: the name in the file, or the file's name)")
	flags.BoolVar(&s.wait, "wait", false, "follow the batch until it is final")
	flags.BoolVar(&s.skip, "skip-invalid", false, "submit the valid inquiries even if others are invalid")
	flags.BoolVar(&s.dryRun, "dry-run", false, "only check the file")
	flags.StringVar(&s.idempotencyKey, "idempotency-key", "", "create only one batch, however often you run this with the same `key`")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		file, err := batchfile.Read(args[0])
		if err != nil {
			return err
		}
		s.file, s.path, s.flags = file, args[0], usedFlags(cmd)
		return a.withClient(s.run)(cmd, args)
	}
	return cmd
}

// submission is one run of bi submit.
type submission struct {
	name               string
	idempotencyKey     string
	wait, skip, dryRun bool

	*app
	file  *batchfile.File
	path  string
	flags string // the flags of this run, to show how to repeat it
}

func (s *submission) run(ctx context.Context, c *client.Client) error {
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
		return s.validate(ctx, c, body)
	}
	return s.submit(ctx, c, body)
}

func (s *submission) submit(ctx context.Context, c *client.Client, body []byte) error {
	ownKey := s.idempotencyKey != ""
	if !ownKey {
		s.idempotencyKey = rand.Text()
	}
	accepted, err := s.submitWhenRoom(ctx, func() (*client.Submitted, error) {
		return c.SubmitJSON(ctx, body, s.idempotencyKey)
	})
	if err != nil {
		return s.explainFailure(err)
	}
	// With a random key, a replay only means that an earlier try's response was lost.
	if accepted.Replayed && ownKey {
		fmt.Fprintln(s.stderr, "You have already submitted this file with the same key. This is the same batch.")
	}
	if accepted.Rejected > 0 {
		fmt.Fprintf(s.stderr, "%d of %d inquiries are invalid and have failed:\n%s", accepted.Rejected, accepted.Total, s.faults(accepted.Errors))
	}
	fmt.Fprintln(s.stdout, accepted.BatchID)
	if !s.wait {
		fmt.Fprintf(s.stderr, "Accepted %d inquiries as %q. To follow them, run: bi watch %s\n", accepted.Accepted, accepted.BatchName, accepted.BatchID)
		return nil
	}
	return s.follow(ctx, c, accepted.BatchID, s.stderr, true)
}

// validate prints what would happen if the file were submitted.
func (s *submission) validate(ctx context.Context, c *client.Client, body []byte) error {
	v, err := c.ValidateJSON(ctx, body)
	if err != nil {
		return s.explainFailure(err)
	}
	for _, d := range v.Duplicates {
		fmt.Fprintf(s.stdout, "  %s seems to be the same business as %s (same %s)\n",
			s.file.Place(fmt.Sprintf("/inquiries/%d", d.Index)), s.file.Place(fmt.Sprintf("/inquiries/%d", d.DuplicateOf)), d.By)
	}
	fmt.Fprint(s.stdout, s.faults(v.Errors))
	if !v.Valid {
		return fmt.Errorf("%s would be rejected, because %d of %d inquiries are invalid", s.path, v.Rejected, v.Total)
	}
	fmt.Fprintf(s.stdout, "%s would be accepted: %d inquiries to look up, %d invalid\n", s.path, v.Accepted, v.Rejected)
	if v.Limits.OpenLeft < v.Total {
		fmt.Fprintf(s.stdout, "There is room for only %d of %d inquiries now. bi submit would wait until other batches finish.\n", v.Limits.OpenLeft, v.Total)
	}
	return nil
}

// explainFailure adds to an error the places in the file that are wrong, or the
// command that tries again without submitting twice.
func (s *submission) explainFailure(err error) error {
	p, ok := errors.AsType[*client.Problem](err)
	if ok && len(p.Errors) > 0 {
		return fmt.Errorf("the API rejected %s and stored nothing. Please correct:\n%s", s.path, strings.TrimRight(s.faults(p.Errors), "\n"))
	}
	if s.dryRun {
		return err
	}
	return orRetryWith(err, fmt.Sprintf("bi submit %s%s --idempotency-key %s", quoted(s.path), s.flags, s.idempotencyKey))
}

// usedFlags returns the flags of this run in shell syntax, because a repeat without
// them would be a different request. It hides the API key.
func usedFlags(cmd *cobra.Command) string {
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

// orRetryWith adds, if it is unknown whether the batch was accepted, the command
// that submits it exactly once.
func orRetryWith(err error, command string) error {
	if p, ok := errors.AsType[*client.Problem](err); ok && !p.Temporary() || errors.Is(err, errNoRoom) {
		return err
	}
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	return fmt.Errorf("%w\nIt is not known whether the batch was accepted. To try again without submitting it twice, run:\n  %s", err, command)
}

// maxPrintedFaults keeps the list on one screen.
const maxPrintedFaults = 20

// faults lists what is wrong, with its place in the file, one per line.
func (s *submission) faults(faults []client.Fault) string {
	var text strings.Builder
	for i, f := range faults {
		if i == maxPrintedFaults {
			fmt.Fprintf(&text, "  and %d more\n", len(faults)-maxPrintedFaults)
			break
		}
		f.Pointer = s.file.Place(f.Pointer)
		fmt.Fprintf(&text, "  %s\n", f)
	}
	return text.String()
}

// quoted quotes a word for a shell, if necessary.
func quoted(word string) string {
	if strings.ContainsAny(word, " '\"$&;()<>|*?\\`") {
		return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return word
}
