import CaAudit from './ca/audit.ts'
import CaBackup from './ca/backup.ts'
import CaCrl from './ca/crl.ts'
import CaImport from './ca/import.ts'
import CaInit from './ca/init.ts'
import CaIssuingInit from './ca/issuing/init.ts'
import CaIssuingRevoke from './ca/issuing/revoke.ts'
import CaRestore from './ca/restore.ts'
import CaUrl from './ca/url.ts'
import CertInspect from './cert/inspect.ts'
import CertLint from './cert/lint.ts'
import CertVerify from './cert/verify.ts'
import ClientCsr from './client/csr.ts'
import ClientExport from './client/export.ts'
import ClientIssue from './client/issue.ts'
import ClientList from './client/list.ts'
import ClientRenew from './client/renew.ts'
import ClientRevoke from './client/revoke.ts'
import ClientShow from './client/show.ts'
import ClientSign from './client/sign.ts'
import Completion from './completion.ts'
import ConfigCheck from './config/check.ts'
import ConfigImport from './config/import.ts'
import ConfigRenderClient from './config/render/client.ts'
import ConfigRender from './config/render.ts'
import ConfigShow from './config/show.ts'
import Doctor from './doctor.ts'
import Help from './help.ts'
import Quickstart from './quickstart.ts'
import ServeStatus from './serve/status.ts'
import Serve from './serve.ts'
import ServerIssue from './server/issue.ts'
import ServerRenew from './server/renew.ts'
import SessionKill from './session/kill.ts'
import SessionList from './session/list.ts'
import UserAdd from './user/add.ts'
import UserDelete from './user/delete.ts'
import UserImport from './user/import.ts'
import UserList from './user/list.ts'
import UserPasswd from './user/passwd.ts'

/** Every command by its id, as oclif's explicit strategy wants it: static imports keep start-up to one file. */
export const COMMANDS = {
  'ca:audit': CaAudit,
  'ca:backup': CaBackup,
  'ca:crl': CaCrl,
  'ca:import': CaImport,
  'ca:init': CaInit,
  'ca:issuing:init': CaIssuingInit,
  'ca:issuing:revoke': CaIssuingRevoke,
  'ca:restore': CaRestore,
  'ca:url': CaUrl,
  'cert:inspect': CertInspect,
  'cert:lint': CertLint,
  'cert:verify': CertVerify,
  'client:csr': ClientCsr,
  'client:export': ClientExport,
  'client:issue': ClientIssue,
  'client:list': ClientList,
  'client:renew': ClientRenew,
  'client:revoke': ClientRevoke,
  'client:show': ClientShow,
  'client:sign': ClientSign,
  'config:check': ConfigCheck,
  'config:import': ConfigImport,
  'config:render': ConfigRender,
  'config:render:client': ConfigRenderClient,
  'config:show': ConfigShow,
  'serve:status': ServeStatus,
  'server:issue': ServerIssue,
  'server:renew': ServerRenew,
  'session:kill': SessionKill,
  'session:list': SessionList,
  'user:add': UserAdd,
  'user:delete': UserDelete,
  'user:import': UserImport,
  'user:list': UserList,
  'user:passwd': UserPasswd,
  completion: Completion,
  doctor: Doctor,
  help: Help,
  quickstart: Quickstart,
  serve: Serve,
}
