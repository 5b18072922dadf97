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

// confirmAccess checks again that the caller may use the service. The authorizer's
// answer may be a minute old, which is too old for what cannot be undone and for an
// export of everything.
func (a *API) confirmAccess(ctx context.Context, caller auth.Caller) error {
	_, err := a.Access.RoleNow(ctx, caller)
	return err
}

// confirmRole is confirmAccess for callers who must be allowed to change things.
func (a *API) confirmRole(ctx context.Context, caller auth.Caller) error {
	role, err := a.Access.RoleNow(ctx, caller)
	if err == nil && !role.MayChange() {
		err = readOnly()
	}
	return err
}
