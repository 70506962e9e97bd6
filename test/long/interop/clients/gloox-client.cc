// A program around the lines that are printed for gloox: settings.h. Says when it is connected, and ends. Only the server
// knows whether it is logged in: gloox calls it connected as well when it has found no way to log in.
#include <cstdlib>
#include <iostream>

#include <gloox/client.h>
#include <gloox/connectionlistener.h>
#include <gloox/tlsdefault.h>

struct Listener : gloox::ConnectionListener {
  void onConnect() override {
    std::cout << "connected" << std::endl;
    std::exit(0);
  }
  void onDisconnect(gloox::ConnectionError) override {}
  bool onTLSConnect(const gloox::CertInfo &info) override { return info.status == gloox::CertOk; }
};

int main() {
  Listener listener;
#include "settings.h"
  return 1;
}
