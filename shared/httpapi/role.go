package httpapi

import (
	"context"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/problem"
)

// readOnly is the problem of a viewer who tries to change something.
func readOnly() *Problem {
	return newProblem(problem.Forbidden, "Your role can read batches but not submit or change them. Ask your administrator for a different role.")
}

// confirmRole checks again that the caller may change things. The authorizer's
// answer may be five minutes old, which is too old for what cannot be undone.
func (a *API) confirmRole(ctx context.Context, caller auth.Caller) error {
	role, err := a.Keys.RoleNow(ctx, caller)
	if err == nil && !role.MayChange() {
		err = readOnly()
	}
	return err
}
