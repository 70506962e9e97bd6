/* A program around the lines that are printed for libstrophe: settings.h. Says who it has become, and ends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strophe.h>

static int is_in = 0;

static void handler(xmpp_conn_t *conn, xmpp_conn_event_t event, int error, xmpp_stream_error_t *stream_error, void *data)
{
    (void)error, (void)stream_error, (void)data;
    if (event != XMPP_CONN_CONNECT) {
        xmpp_stop(xmpp_conn_get_context(conn));
        return;
    }
    is_in = 1;
    printf("logged in as %s\n", xmpp_conn_get_bound_jid(conn));
    xmpp_disconnect(conn);
}

static int password(char *buffer, size_t size, xmpp_conn_t *conn, void *data)
{
    (void)conn, (void)data;
    return snprintf(buffer, size, "%s", getenv("BUNDLE_PASSWORD"));
}

int main(void)
{
    xmpp_initialize();
    xmpp_ctx_t *context = xmpp_ctx_new(NULL, xmpp_get_default_logger(XMPP_LEVEL_DEBUG));
    xmpp_conn_t *conn = xmpp_conn_new(context);
    xmpp_conn_set_password_callback(conn, password, NULL);
#include "settings.h"
    xmpp_run(context);
    return is_in ? 0 : 1;
}
