package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

func lenderCommand(run runner) *cobra.Command {
	var id, name string
	var batchMax, newMax, openMax, newOpen int
	lender := group("lender", "Manage lenders, the organizations that submit batches")

	create := command("create", "Create a lender", run(func(ctx context.Context, a *admin) (result, error) {
		return a.createLender(ctx, inquiry.Lender{ID: inquiry.LenderID(id), Name: name, BatchMax: batchMax, OpenMax: openMax})
	}), map[string]*string{"id": &id, "name": &name})
	create.Flags().IntVar(&batchMax, "batch-max", 0, fmt.Sprintf("maximum number of inquiries in one batch (default %d)", inquiry.DefaultBatchMax))
	create.Flags().IntVar(&openMax, "open-max", 0, fmt.Sprintf("maximum number of inquiries in all unfinished batches (default %d)", inquiry.DefaultOpenMax))

	setBatchMax := command("set-batch-max", "Change the maximum number of inquiries in one batch", run(func(ctx context.Context, a *admin) (result, error) {
		return a.changeLender(ctx, inquiry.LenderID(id), "now has this batch limit", "already had this batch limit",
			func(id inquiry.LenderID) (bool, error) { return a.access.SetBatchMax(ctx, id, newMax) })
	}), map[string]*string{"id": &id})
	setBatchMax.Flags().IntVar(&newMax, "batch-max", inquiry.DefaultBatchMax, "maximum number of inquiries in one batch")

	setOpenMax := command("set-open-max", "Change the maximum number of inquiries in all unfinished batches", run(func(ctx context.Context, a *admin) (result, error) {
		return a.changeLender(ctx, inquiry.LenderID(id), "now has this open limit", "already had this open limit",
			func(id inquiry.LenderID) (bool, error) { return a.access.SetOpenMax(ctx, id, newOpen) })
	}), map[string]*string{"id": &id})
	setOpenMax.Flags().IntVar(&newOpen, "open-max", inquiry.DefaultOpenMax, "maximum number of inquiries in all unfinished batches; one batch of the maximum size is always allowed")

	lender.AddCommand(create, setBatchMax, setOpenMax,
		command("show", "Show a lender", run(func(ctx context.Context, a *admin) (result, error) {
			return a.showLender(ctx, inquiry.LenderID(id))
		}), map[string]*string{"id": &id}),
		command("suspend", "Suspend a lender: its users and API keys lose access, reading within a minute and everything else at once", run(func(ctx context.Context, a *admin) (result, error) {
			return a.changeLender(ctx, inquiry.LenderID(id), "is now suspended; its users and API keys lose access: reading within a minute, everything else at once", "was already suspended",
				func(id inquiry.LenderID) (bool, error) { return a.access.SuspendLender(ctx, id) })
		}), map[string]*string{"id": &id}),
		command("resume", "Resume a suspended lender", run(func(ctx context.Context, a *admin) (result, error) {
			return a.changeLender(ctx, inquiry.LenderID(id), "is active again; its users and API keys regain access within a minute", "was already active",
				func(id inquiry.LenderID) (bool, error) { return a.access.ResumeLender(ctx, id) })
		}), map[string]*string{"id": &id}),
	)
	return lender
}

// lenderData is a lender in JSON output.
type lenderData struct {
	LenderID   inquiry.LenderID     `json:"lenderId"`
	Name       string               `json:"name"`
	Status     inquiry.AccessStatus `json:"status"`
	BatchMax   int                  `json:"batchMax"`
	BatchCount int                  `json:"batchCount"`
	OpenMax    int                  `json:"openMax"`
	Open       int                  `json:"open"`
}

// lenderResult returns a result with a sentence about what happened, followed by the
// lender.
func lenderResult(sentence string, l inquiry.Lender) result {
	return result{
		text: fmt.Sprintf(`%s
  Name:            %s
  Status:          %s
  Batch limit:     %d inquiries in one batch
  Open limit:      %d inquiries in all unfinished batches, %d now
  Batches so far:  %d`, sentence, l.Name, l.Status, l.BatchMax, l.OpenMax, l.Open, l.BatchCount),
		data: lenderData{l.ID, l.Name, l.Status, l.BatchMax, l.BatchCount, l.OpenMax, l.Open},
	}
}

// createLender creates a lender and makes the gateway count its requests. It never
// changes an existing lender. It succeeds if that lender has the given settings.
func (a *admin) createLender(ctx context.Context, l inquiry.Lender) (result, error) {
	if a.planID == "" {
		return result{}, errors.New("the usage plan is not known; pass --stack or --usage-plan, or set USAGE_PLAN_ID")
	}
	stored, created, err := a.access.CreateLender(ctx, l)
	if err != nil {
		return result{}, err
	}
	sentence := fmt.Sprintf("Lender %s was created. Invite its users with: admin user invite --lender %s --email … --role …", l.ID, l.ID)
	if !created {
		if err := checkSameSettings(stored, l); err != nil {
			return result{}, err
		}
		sentence = fmt.Sprintf("Lender %s already exists.", l.ID)
	}
	if err := a.countRequests(ctx, l.ID); err != nil {
		return result{}, fmt.Errorf("lender %s is stored, but cannot use the API yet: %w; run the same command again to finish", l.ID, err)
	}
	return lenderResult(sentence, stored), nil
}

// checkSameSettings returns an error that says what to do if the stored lender
// differs from the requested one.
func checkSameSettings(stored, l inquiry.Lender) error {
	if stored.Name != l.Name {
		return fmt.Errorf("lender %s already exists with the name %q; choose another --id, or pass that name", l.ID, stored.Name)
	}
	if l.BatchMax != 0 && stored.BatchMax != l.BatchMax {
		return fmt.Errorf("lender %s already exists with a batch limit of %d; change it with: admin lender set-batch-max --id %s --batch-max %d",
			l.ID, stored.BatchMax, l.ID, l.BatchMax)
	}
	if l.OpenMax != 0 && stored.OpenMax != max(l.OpenMax, stored.BatchMax) {
		return fmt.Errorf("lender %s already exists with an open limit of %d; change it with: admin lender set-open-max --id %s --open-max %d",
			l.ID, stored.OpenMax, l.ID, l.OpenMax)
	}
	return nil
}

func (a *admin) showLender(ctx context.Context, id inquiry.LenderID) (result, error) {
	l, err := a.access.Lender(ctx, id)
	if err != nil {
		return result{}, explainLender(id, err)
	}
	return lenderResult(fmt.Sprintf("Lender %s", id), l), nil
}

// changeLender makes one change and returns the lender after it. done and notNeeded
// end the sentence about what happened.
func (a *admin) changeLender(ctx context.Context, id inquiry.LenderID, done, notNeeded string, change func(inquiry.LenderID) (bool, error)) (result, error) {
	changed, err := change(id)
	if err != nil {
		return result{}, explainLender(id, err)
	}
	l, err := a.access.Lender(ctx, id)
	if err != nil {
		return result{}, err
	}
	return lenderResult("Lender "+string(id)+" "+whatChanged(changed, done, notNeeded), l), nil
}

// whatChanged returns the end of a sentence about a change.
func whatChanged(changed bool, done, notNeeded string) string {
	if changed {
		return done + "."
	}
	return notNeeded + "; nothing was changed."
}

// explainLender says what to do about a lender that does not exist.
func explainLender(id inquiry.LenderID, err error) error {
	if errors.Is(err, inquiry.ErrNotFound) {
		return fmt.Errorf("lender %s does not exist; create it with: admin lender create --id %s --name …", id, id)
	}
	return err
}
