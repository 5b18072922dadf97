package simulation

import (
	"context"
	"sync"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/report"
	"github.com/batch-inquiries/batch-inquiries/simulation/table"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// warmUp makes what the packages under test make once and share: a channel that
// is first made in one bubble is of no use in the next.
var warmUp = sync.OnceFunc(func() {
	ctx := context.Background()
	s := store.New(table.New(tableName, time.Now), tableName, time.Now)
	if _, _, err := s.CreateLender(ctx, inquiry.Lender{ID: acme, Name: "A Lender"}); err != nil {
		panic(err)
	}
	lender, err := s.Lender(ctx, acme)
	if err != nil {
		panic(err)
	}
	id, _, err := s.Submit(ctx, lender, inquiry.Submission{Inquiries: []inquiry.Inquiry{{BusinessName: found}}})
	if err != nil {
		panic(err)
	}
	if _, _, err := s.Submitted(ctx, acme, id); err != nil {
		panic(err)
	}
	packed, err := report.Encode(report.Report{InquiryID: id.Inquiry(0)})
	if err != nil {
		panic(err)
	}
	if _, err := report.Decode(packed); err != nil {
		panic(err)
	}
})
