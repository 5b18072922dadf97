"""Makes the local engine's Lambda quicker; Python reads this file at its start.

For every invocation the engine serves the Lambda runtime API from a server of
its own, and stops it with shutdown(), which waits for the server's next look at
whether it should: half a second by default. All event source mappings share one
thread, so they wait too. Looking more often is all this changes.
"""

import socketserver

socketserver.BaseServer.serve_forever.__defaults__ = (0.01,)
