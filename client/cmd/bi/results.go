package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/batch-inquiries/batch-inquiries/client"
)

func (a *app) resultsCommand() *cobra.Command {
	format := choice{"ndjson", []string{"ndjson", "csv"}}
	scope := choice{"all", []string{string(client.ScopeAll), string(client.ScopeSucceeded), string(client.ScopeFailed)}}
	var path string
	cmd := &cobra.Command{
		Use:   "results BATCH",
		Short: "Download all results of a batch as NDJSON or CSV",
		Long: `Downloads all results of a batch: as NDJSON with the reports, or as CSV with one row
per inquiry, which is safe to open in a spreadsheet. The batch may still be running.

With -o, the file appears only once it is complete. If it is a pipe, the results are
written to it as they arrive.`,
		Args:              a.oneBatch,
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	addChoice(cmd, &format, "format", "the format")
	addChoice(cmd, &scope, "scope", "which inquiries")
	cmd.Flags().StringVarP(&path, "output", "o", "", "write to this `file` instead of standard output")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		save := func(from io.Reader) error { return copyResults(a.stdout, from) }
		if path != "" {
			to, err := openOutput(cmd.Context(), path)
			if err != nil {
				return err
			}
			defer to.discard()
			save = func(from io.Reader) error {
				if err := copyResults(to, from); err != nil {
					return err
				}
				return to.commit()
			}
		}
		query := client.ResultsQuery{
			Format: map[string]client.ResultsFormat{"ndjson": client.NDJSON, "csv": client.CSV}[format.chosen],
			Scope:  client.ResultsScope(scope.chosen),
		}
		return a.withClient(func(ctx context.Context, c *client.Client) error {
			return a.results(ctx, c, query, save)
		})(cmd, args)
	}
	return cmd
}

func (a *app) results(ctx context.Context, c *client.Client, query client.ResultsQuery, save func(io.Reader) error) error {
	results, err := c.Results(ctx, a.batchID, query)
	if err != nil {
		return err
	}
	defer results.Close()
	if err := save(results); err != nil {
		return err
	}
	if !results.Complete {
		fmt.Fprintf(a.stderr, "The batch is not finished. These are its results as of %s. To follow it, run: bi watch %s\n",
			results.AsOf.Local().Format(time.DateTime), a.batchID)
	}
	return nil
}

// copyResults copies results. After an error, only a part of them may be written.
func copyResults(to io.Writer, from io.Reader) error {
	if _, err := io.Copy(to, from); err != nil {
		return fmt.Errorf("%w\nThe results are incomplete. Run the same command again", err)
	}
	return nil
}
